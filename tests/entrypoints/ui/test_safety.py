"""Whatever a mail, a name or a provider says is text: it runs nothing, loads nothing and becomes no element."""

import json
from urllib.parse import unquote

import pytest
from playwright.sync_api import expect

from attacks.house import until
from page_kit import static_host, tab

pytestmark = pytest.mark.slow
VECTORS = (
    "<img src=x onerror=\"alert('{}')\">",
    "<script>alert('{}')</script>",
    "\"'><svg onload=alert('{}')>",
    "javascript:alert('{}')",
    "<iframe srcdoc='<script>alert(1)</script>'>{}",
    "</title></textarea></style><b id=owned>{}</b>",
    "{{{{constructor.constructor('alert({})')()}}}} ${{alert({})}}",
    "<base href=//evil.example/><meta http-equiv=refresh content='0;url=//evil.example/'>{}",
)


def canary(number, place):
    return VECTORS[number % len(VECTORS)].format(place, place)


def hostile_mail(number):
    return {
        "from": {"email": "ann@example.com", "name": canary(number, "from")},
        "to": [{"email": "bob@example.org", "name": canary(number, "to")}],
        "subject": canary(number, "subject"),
        "text": "x",
        "html": canary(number, "html"),
        "tags": [canary(number, "tag")[:120]],
        "metadata": {"note": canary(number, "metadata")},
    }


def check(watched):
    """Nothing on it is anybody else's."""
    assert watched.foreign == []


@pytest.mark.parametrize("number", range(len(VECTORS)))
def test_what_a_mail_holds_is_text(watched, number):
    mail = hostile_mail(number)
    posted = watched.page.request.post(
        f"{watched.base}/v1/emails", data=json.dumps(mail), headers={"Prefer": "wait=10"}
    )
    assert posted.ok, posted.text()
    page = watched.goto("messages")
    expect(page.get_by_text(mail["subject"], exact=True).first).to_be_visible()
    expect(page.get_by_text(mail["tags"][0], exact=True).first).to_be_visible()
    check(watched)
    watched.goto(f"messages/{posted.json()['id']}")
    expect(page.get_by_role("heading", level=1)).to_have_text(mail["subject"])
    for told in (mail["from"]["name"], mail["to"][0]["name"], mail["metadata"]["note"], mail["tags"][0]):
        expect(page.locator("main")).to_contain_text(told)
    check(watched)
    watched.goto("events")
    expect(page.get_by_text(mail["tags"][0]).first).to_be_visible()
    check(watched)


def test_what_a_provider_says_is_text(keyed, house):
    words = canary(0, "provider")
    for provider in ("mailgun", "sendgrid"):
        house.control("PUT", f"{provider}/faults", {"kind": "status", "status": 400, "text": words})
    mail = hostile_mail(1) | {"subject": "Refused"}
    message = house.ask("POST", "/v1/emails", mail, [("Prefer", "wait=10")]).json["id"]
    until(lambda: house.mail(message)["attempts"])
    page = keyed.goto(f"messages/{message}")
    expect(page.get_by_role("list", name="Its story").get_by_text(words).first).to_be_visible()
    check(keyed)
    keyed.goto("events")
    expect(page.get_by_text(words).first).to_be_visible()
    check(keyed)
    house.control("PUT", "mailgun/faults", {"kind": "status", "status": 403, "text": words})
    house.ask("POST", "/v1/emails", hostile_mail(2), [("Prefer", "wait=10")])
    keyed.goto("providers")
    expect(page.locator(".last-error").first).to_be_visible()
    check(keyed)


@pytest.mark.parametrize("number", range(len(VECTORS)))
def test_what_stands_in_the_address_is_text(watched, number):
    told = watched.page.evaluate("(text) => encodeURIComponent(text)", canary(number, "address"))
    for route in (
        f"messages?recipient={told}&tag={told}&account={told}",
        f"messages/{told}",
        f"events?message={told}",
        told,
    ):
        page = watched.goto(route)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        expect(page.locator(".body > *, .problem").first).to_be_visible()
        check(watched)


def test_neither_an_address_nor_what_a_mail_says_stands_in_any_url(watched):
    """Of the page or of a request: histories, shared screens and logs of proxies would tell it."""
    page, seen = watched.page, set()
    page.on("framenavigated", lambda frame: seen.add(frame.url))
    mail = {"from": "ann@example.com", "to": ["secret-person@example.org"], "subject": "secret-matter", "text": "x"}
    page.request.post(f"{watched.base}/v1/emails", data=json.dumps(mail), headers={"Prefer": "wait=10"})
    watched.goto("messages")
    page.get_by_label("Recipient").fill("secret-person@example.org")
    page.get_by_role("button", name="Filter").click()
    page.get_by_role("link", name="secret-matter").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("secret-matter")
    watched.goto("suppressions")
    page.get_by_label("Address", exact=True).fill("secret-person@example.org")
    page.get_by_role("button", name="Suppress").click()
    page.get_by_label("Address, or how it begins").fill("secret-person")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("button", name="Remove secret-person@example.org").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove it").click()
    expect(page.get_by_text("No address that must not be written to begins like that.")).to_be_visible()
    watched.goto("providers")
    page.get_by_label("From").fill("ann@example.com")
    page.get_by_label("To", exact=True).fill("secret-person@example.org")
    with page.expect_response("**/explain") as explained:
        page.get_by_role("button", name="Explain").click()
    assert explained.value.ok
    urls = {unquote(url) for url in (*watched.asked, *seen)}
    assert len(seen) >= 3
    assert [url for url in urls if "secret-" in url or "@" in url] == []


def test_the_watch_sees_what_a_page_may_not_do(browser, dev_address, tmp_path):
    """Were the page to call elsewhere or to make markup of text, these tests would know."""
    with static_host(tmp_path) as elsewhere, tab(browser, dev_address) as watched:
        page = watched.goto("messages")
        assert page.evaluate(f"fetch('{elsewhere}/').then(() => 'called', () => 'stopped')") == "stopped"
        markup = "try { document.body.innerHTML = '<b>x</b>'; return 'made'; } catch { return 'stopped'; }"
        assert page.evaluate(f"(() => {{ {markup} }})()") == "stopped"
        picture = f"Object.assign(document.createElement('img'), {{ src: '{elsewhere}/i.png' }})"
        page.evaluate(f"document.body.append({picture})")
        until(lambda: any(one.startswith("img-src") for one in watched.stopped))
        assert {one.split()[0] for one in watched.stopped} >= {"connect-src", "img-src", "require-trusted-types-for"}
