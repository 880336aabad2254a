"""axe finds no barrier on any screen, in either colour scheme, at a desk or on a phone; and nothing is cut off."""

import time

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from attacks.house import until
from page_kit import DESKTOP, PHONE, tab

pytestmark = pytest.mark.slow
STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
RULES = {"runOnly": STANDARDS, "resultTypes": ["violations"], "iframes": False}  # a mail is its sender's matter


def has_no_barrier(page):
    # The rules of axe are no scripts of the page: Playwright runs them beside it.
    found = Axe().run(page, options=RULES)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "it is wider than the screen"


@pytest.fixture(scope="module")
def told(house):
    """Mails that were sent, failed over, refused and wait; an account in trouble."""
    mail = {"from": "Ann <ann@example.com>", "to": ["Bob <bob@example.org>"], "subject": "Hello", "text": "x"}
    mail["tags"] = ["eu", "invoice"]
    wait = [("Prefer", "wait=10")]
    sent = house.ask("POST", "/v1/emails", mail, wait).json["id"]
    house.control("PUT", "mailgun/faults", {"kind": "status", "status": 401})
    moved = house.ask("POST", "/v1/emails", mail | {"subject": "Moved", "html": "<p>x</p>"}, wait).json["id"]
    house.control("PUT", "sendgrid/faults", {"kind": "status", "status": 400, "text": "the body is odd"})
    house.ask("POST", "/v1/emails", mail | {"subject": "Refused"}, wait)
    later = house.ask("POST", "/v1/emails", mail | {"subject": "Later", "send_at": _tomorrow()}).json["id"]
    for provider, plan in (
        ("mailgun", {"kind": "status", "status": 502}),
        ("sendgrid", {"kind": "status", "status": 502}),
    ):
        house.control("PUT", f"{provider}/faults", [plan, {"kind": "status", "status": 503, "target": "lookup"}])
    unsure = {"subject": "Who knows", "on_unknown": "hold", "resolve_within_s": 0}
    held = house.ask("POST", "/v1/emails", mail | unsure).json["id"]
    until(lambda: house.mail(held)["state"] == "held")
    return {"sent": sent, "moved": moved, "later": later, "held": held}


def _tomorrow():
    return int(time.time()) + 86_400


LOOKS = [(scheme, size) for size in (DESKTOP, PHONE) for scheme in ("light", "dark")]


@pytest.fixture(params=LOOKS, ids=str)
def page(browser, house, told, request):
    scheme, size = request.param
    with tab(browser, f"http://127.0.0.1:{house.port}", color_scheme=scheme, viewport=size) as watched:
        watched.goto("messages")
        expect(watched.page.get_by_role("heading", name="An API key is needed")).to_be_visible()
        has_no_barrier(watched.page)
        watched.page.evaluate("(key) => sessionStorage.setItem('everpost.key', key)", house.token())
        watched.page.reload()
        yield watched
        assert watched.broken == []


def test_the_lists_and_one_mail(page, told):
    shown = page.goto("messages")
    expect(shown.get_by_text("Moved")).to_be_visible()
    has_no_barrier(shown)
    page.goto("messages?state=cancelled")
    expect(shown.get_by_text("No mail is like that.")).to_be_visible()
    has_no_barrier(shown)
    page.goto(f"messages/{told['moved']}")
    expect(shown.get_by_text("Attempt 2: sendgrid")).to_be_visible()
    has_no_barrier(shown)
    shown.get_by_text("What it says").click()
    for part in ("HTML", "Text", "Headers"):
        shown.locator(".content").get_by_label(part, exact=True).check()
        has_no_barrier(shown)
    for act in ("Resolve", "Send again"):
        page.goto(f"messages/{told['held' if act == 'Resolve' else 'moved']}")
        shown.get_by_role("button", name=act).click()
        has_no_barrier(shown)
        shown.keyboard.press("Escape")
    page.goto("messages?tag=eu")
    shown.get_by_role("button", name="Act on all of these").click()
    has_no_barrier(shown)
    shown.keyboard.press("Escape")
    page.goto("messages/em_unknown")
    expect(shown.get_by_role("alert")).to_be_visible()
    has_no_barrier(shown)
    page.goto("events")
    expect(shown.get_by_text("email.accepted").first).to_be_visible()
    has_no_barrier(shown)


def test_the_figures_over_time(page, told):
    shown = page.goto("overview")
    mail = shown.get_by_role("figure", name="Mail taken, by account")
    expect(mail.locator(".mark-head").first).to_be_attached()
    mail.get_by_text("As a table").click()
    expect(mail.get_by_role("table")).to_be_visible()
    mail.get_by_role("slider").focus()
    has_no_barrier(shown)


def test_the_form(page):
    shown = page.goto("send")
    shown.get_by_text("Tags, route, time and idempotency key").click()
    expect(shown.get_by_role("option", name="default: mailgun, sendgrid")).to_have_count(1)
    shown.get_by_label("What it may lose on the way").select_option("these")
    has_no_barrier(shown)
    shown.get_by_role("button", name="Send", exact=True).click()
    expect(shown.get_by_text("Say whom the mail is from.")).to_be_visible()
    has_no_barrier(shown)
    shown.get_by_label("From", exact=True).fill("ann@example.com")
    shown.locator("#email-1").fill("bob@example.org")
    shown.get_by_label("Subject").fill("x")
    shown.get_by_label("Text", exact=True).fill("x")
    shown.get_by_role("button", name="Send", exact=True).click()
    expect(shown.get_by_role("list", name="Its story").get_by_role("listitem").first).to_be_visible()
    has_no_barrier(shown)


def test_the_accounts_and_the_questions(page, told):
    shown = page.goto("providers")
    expect(shown.locator(".last-error").first).to_be_visible()
    has_no_barrier(shown)
    shown.get_by_role("button", name="Let it go first: sendgrid").click()
    expect(shown.get_by_role("dialog")).to_be_visible()
    has_no_barrier(shown)
    shown.keyboard.press("Escape")
    shown.get_by_role("button", name="Move up: sendgrid").click()
    shown.get_by_label("From", exact=True).fill("ann@example.com")
    shown.get_by_label("To", exact=True).fill("bob@example.org")
    shown.get_by_role("button", name="Explain").click()
    expect(shown.locator(".candidates li").first).to_be_visible()
    shown.get_by_role("button", name="Probe: sendgrid").click()
    expect(shown.locator(".probed")).to_be_visible()
    shown.evaluate("scrollTo(0, 0)")  # the header covers whatever is half scrolled away
    has_no_barrier(shown)
    shown.get_by_role("button", name="Put it back").click()
    shown.locator("h1").press("?")
    expect(shown.get_by_role("dialog", name="Shortcuts")).to_be_visible()
    has_no_barrier(shown)
    shown.keyboard.press("Escape")
    page.goto(f"messages/{told['later']}")
    shown.get_by_role("button", name="Cancel the mail").click()
    has_no_barrier(shown)


@pytest.fixture(scope="module")
def sandbox(browser, dev_address):
    """A mail with findings, a broken provider, and a drill that was run."""
    with tab(browser, dev_address) as watched:
        watched.goto("inbox")
        expect(watched.page.get_by_text("The sandbox providers have taken no mail yet.")).to_be_visible()
        has_no_barrier(watched.page)
        ask, base = watched.page.request, dev_address
        ask.post(f"{base}/v1/sandbox/drill", data={"part_s": 0.2, "per_s": 10})
        while ask.get(f"{base}/v1/sandbox/drill").json()["figures"]["state"] != "done":
            watched.page.wait_for_timeout(200)
        file = {"filename": "a.txt", "content": "YQ=="}
        mail = {
            "from": "ann@example.com",
            "to": ["bob@example.org"],
            "subject": "Careless",
            "html": "<img>",
            "text": "x",
        }
        mail |= {"attachments": [file], "tags": ["eu"], "headers": {"X-Order": "7"}}
        ask.post(f"{base}/v1/emails", data=mail, headers={"Prefer": "wait=10"})
        fault = {"kind": "status", "status": 503, "share": 0.5, "for_s": 600}
        ask.put(f"{base}/v1/sandbox/faults/mailgun", data={"faults": [fault]})
    return dev_address


@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_the_inbox_the_faults_and_a_drill(browser, sandbox, look):
    scheme, size = look
    with tab(browser, sandbox, color_scheme=scheme, viewport=size) as watched:
        shown = watched.goto("inbox")
        shown.get_by_role("link", name="Careless").wait_for()
        has_no_barrier(shown)
        shown.get_by_role("link", name="Careless").click()
        for part in ("HTML", "Source", "Files (1)"):
            shown.get_by_label(part, exact=True).check()
            has_no_barrier(shown)
        watched.goto("sandbox")
        expect(shown.get_by_text("broken", exact=True)).to_be_visible()
        expect(shown.get_by_text("passed", exact=True)).to_be_visible()
        shown.get_by_text("Providers that carry no mail").click()
        has_no_barrier(shown)
        watched.goto("inbox/none")
        expect(shown.get_by_role("alert")).to_be_visible()
        has_no_barrier(shown)
        assert watched.broken == []


def test_where_the_focus_is_can_be_seen(page):
    shown = page.goto("messages")
    expect(shown.get_by_text("Moved")).to_be_visible()
    shown.locator("h1").focus()
    for _ in range(8):
        shown.keyboard.press("Tab")
        outline = shown.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        width = shown.evaluate("parseFloat(getComputedStyle(document.activeElement).outlineWidth)")
        assert (outline, width >= 2) == ("solid", True), shown.evaluate("document.activeElement.outerHTML")


def test_the_barriers_that_are_looked_for_would_be_found(page):
    shown = page.goto("messages")
    expect(shown.get_by_text("Moved")).to_be_visible()
    shown.evaluate("document.querySelector('label').remove()")
    with pytest.raises(AssertionError, match=r"select-name|label"):
        has_no_barrier(shown)
