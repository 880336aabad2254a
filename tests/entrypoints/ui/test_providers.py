"""What a person on call turns on the view of providers, by mouse and by keyboard, and what the trail tells then."""

import json

import pytest
from playwright.sync_api import expect

from page_kit import PHONE

pytestmark = pytest.mark.slow
USUAL = [{"account": "mailgun"}, {"account": "sendgrid"}]


@pytest.fixture(autouse=True)
def as_it_was(watched):
    """The route of the server, which all tests share."""
    change(watched, USUAL)


def api(watched, path):
    return watched.page.request.get(f"{watched.base}{path}").json()


def route(watched):
    return api(watched, "/v1/routes/default")


def change(watched, accounts):
    seen = route(watched)["version"]
    body = json.dumps({"accounts": accounts, "version": seen})
    assert watched.page.request.put(f"{watched.base}/v1/routes/default", data=body).ok


def entries(watched):
    return [(one["account"], one["weight"], one["paused"]) for one in route(watched)["accounts"]]


def rows(page):
    return page.get_by_role("list", name="Accounts of the route default").locator("b")


def last(watched, kind):
    """The latest event of a type."""
    [*_, event] = [
        one for one in api(watched, "/v1/events?limit=1000")["data"] if one["type"] == f"dev.everpost.{kind}"
    ]
    return event["data"]


def saved(page, why):
    page.get_by_role("button", name="Save the changes").click()
    dialog = page.get_by_role("dialog", name="Change the route default?")
    dialog.get_by_label("Why").fill(why)
    dialog.get_by_role("button", name="Save the changes").click()
    expect(dialog).to_have_count(0)
    expect(page.get_by_role("button", name="Save the changes")).to_have_count(0)


def test_accounts_are_put_into_another_order_by_keyboard_alone(watched):
    page = watched.goto("providers")
    expect(rows(page)).to_have_text(["mailgun", "sendgrid"])
    page.get_by_role("button", name="Move up: sendgrid").focus()
    page.keyboard.press("ArrowUp")
    expect(rows(page)).to_have_text(["sendgrid", "mailgun"])
    expect(page.get_by_role("button", name="Move up: sendgrid")).to_be_focused()
    expect(page.get_by_role("status").filter(has_text="sendgrid is number 1 of 2")).to_have_count(1)
    assert [name for name, *_ in entries(watched)] == ["mailgun", "sendgrid"]  # until it is saved
    page.get_by_role("button", name="Save the changes").focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("New mail of the route default will go to sendgrid first, no longer to mailgun.")
    expect(dialog).to_contain_text("Nowmailgun, sendgridThensendgrid, mailgun")
    expect(dialog.get_by_label("Why")).to_be_focused()
    page.keyboard.type("it is cheaper")
    page.keyboard.press("Enter")
    expect(dialog).to_have_count(0)
    expect(page.get_by_text("Not saved yet")).to_have_count(0)
    assert [name for name, *_ in entries(watched)] == ["sendgrid", "mailgun"]
    told = last(watched, "route.default_changed")
    assert (told["from"], told["to"], told["reason"], told["by"]) == ("mailgun", "sendgrid", "it is cheaper", "local")


def test_accounts_are_dragged_into_another_order(watched):
    page = watched.goto("providers")
    expect(page.locator(".handle")).to_have_count(2)
    watched.settled()
    handles = page.locator(".handle")
    from_, to = handles.nth(1).bounding_box(), handles.nth(0).bounding_box()
    page.mouse.move(from_["x"] + 5, from_["y"] + 5)
    page.mouse.down()
    page.mouse.move(to["x"] + 5, to["y"] + 15, steps=4)
    page.mouse.move(to["x"] + 5, to["y"] - 5, steps=4)
    expect(rows(page)).to_have_text(["sendgrid", "mailgun"])
    page.keyboard.press("Escape")
    expect(rows(page)).to_have_text(["mailgun", "sendgrid"])
    page.mouse.up()
    page.mouse.move(to["x"] + 5, to["y"] + 5)
    page.mouse.down()
    below = page.locator(".route li").last.bounding_box()
    page.mouse.move(to["x"] + 5, below["y"] + below["height"] - 5, steps=4)
    page.mouse.up()
    expect(rows(page)).to_have_text(["sendgrid", "mailgun"])
    saved(page, "dragged")
    assert [name for name, *_ in entries(watched)] == ["sendgrid", "mailgun"]
    assert last(watched, "route.changed")["reason"] == "dragged"


def test_weights_are_set_and_told_as_shares(watched):
    page = watched.goto("providers")
    page.get_by_label("Weight of mailgun").fill("3")
    page.get_by_label("Weight of sendgrid").press_sequentially("1")
    expect(page.get_by_label("Weight of sendgrid")).to_be_focused()
    expect(page.locator(".route .part")).to_have_text(["first for 75 % of the mail", "first for 25 % of the mail"])
    saved(page, "to compare them")
    assert entries(watched) == [("mailgun", 3, False), ("sendgrid", 1, False)]
    told = last(watched, "route.changed")
    assert (told["weights"], told["reason"]) == ({"mailgun": 3, "sendgrid": 1}, "to compare them")
    page.get_by_label("Weight of mailgun").fill("-1")
    page.get_by_label("Weight of mailgun").fill("")
    page.get_by_role("button", name="Put it back").click()
    expect(page.get_by_label("Weight of mailgun")).to_have_value("3")
    assert entries(watched) == [("mailgun", 3, False), ("sendgrid", 1, False)]


def test_what_somebody_else_saves_meanwhile_is_shown_and_not_undone(watched):
    page = watched.goto("providers")
    page.get_by_role("button", name="Move up: sendgrid").click()
    change(watched, [{"account": "mailgun", "paused": True}, {"account": "sendgrid"}])
    expect(page.get_by_text("Somebody else has changed it meanwhile")).to_be_visible()
    expect(page.get_by_role("button", name="Save the changes")).to_be_disabled()
    page.get_by_role("button", name="Show theirs").click()
    expect(rows(page)).to_have_text(["mailgun", "sendgrid"])
    expect(page.get_by_text("paused: carries nothing")).to_be_visible()


def test_an_account_is_paused_everywhere_with_a_reason_that_stands_on_the_trail(watched):
    page = watched.goto("providers")
    page.get_by_role("button", name="Pause everywhere: mailgun").click()
    dialog = page.get_by_role("dialog", name="Pause everywhere: mailgun?")
    expect(dialog).to_contain_text("mailgun will take no new mail of the route default")
    dialog.get_by_label("Why").fill("they have maintenance until 9")
    dialog.get_by_role("button", name="Pause everywhere").click()
    expect(page.get_by_text("paused: carries nothing")).to_be_visible()
    assert entries(watched) == [("mailgun", None, True), ("sendgrid", None, False)]
    watched.goto("events")
    paused = page.get_by_role("list", name="Events").locator("> li").filter(has_text="account.paused").first
    expect(paused).to_contain_text("they have maintenance until 9")
    expect(paused).to_contain_text("mailgun")
    expect(paused).to_contain_text("local")
    watched.goto("providers")
    page.get_by_role("button", name="Resume everywhere: mailgun").click()
    page.get_by_role("dialog").get_by_role("button", name="Resume everywhere").click()
    expect(page.get_by_role("button", name="Pause everywhere: mailgun")).to_be_visible()
    assert entries(watched) == [("mailgun", None, False), ("sendgrid", None, False)]


def test_an_account_is_probed_and_its_answer_shown(watched):
    page = watched.goto("providers")
    page.get_by_role("button", name="Probe: sendgrid").click()
    card = page.locator(".account").filter(has=page.get_by_role("heading", name="sendgrid"))
    expect(card.locator(".probed")).to_contain_text("SendGrid accepts the credentials")
    expect(page.get_by_role("button", name="Probe: sendgrid")).to_be_focused()
    told = last(watched, "account.probed")
    assert (told["account"], told["verdict"], told["status"]) == ("sendgrid", "works", 200)


def test_it_is_explained_where_a_mail_would_go_and_nothing_is_sent(watched):
    change(watched, [{"account": "mailgun", "paused": True}, {"account": "sendgrid"}])
    before = api(watched, "/v1/emails")["data"]
    page = watched.goto("providers")
    page.get_by_label("From", exact=True).fill("ann@example.com")
    page.get_by_label("To", exact=True).fill("bob@example.org, eve@example.net")
    page.get_by_label("Size in KiB").fill("48")
    page.keyboard.press("Enter")
    answer = page.locator(".explained")
    expect(answer).to_contain_text("sendgrid would take it: it is number 2 of the route.")
    expect(answer.get_by_role("listitem")).to_contain_text(["mailgunnoneit is paused", "sendgrid100 % of such mail"])
    page.get_by_label("Size in KiB").fill("900000")
    page.get_by_role("button", name="Explain").click()
    expect(answer).to_contain_text("It would not be accepted")
    expect(answer).to_contain_text("bytes of content are more than its")
    page.get_by_label("To", exact=True).fill("bob@-")
    page.get_by_role("button", name="Explain").click()
    expect(page.get_by_label("To", exact=True)).to_be_focused()
    expect(page.get_by_label("To", exact=True)).to_have_attribute("aria-invalid", "true")
    assert api(watched, "/v1/emails")["data"] == before
    assert not [address for address in watched.asked if "example" in address]


def test_it_is_explained_what_a_mail_has_and_loses_where_and_to_whom_it_goes_all_the_same(watched):
    bob = f"{watched.base}/v1/suppressions/bob@example.org"
    watched.page.request.put(bob, data=json.dumps({"source": "unsubscribe", "reason": "wants none"}))

    def losing(asked):
        told = asked.fetch().json()
        told["accounts"][0]["lost"] = ["tags", "calendar"]
        asked.fulfill(json=told)

    page = watched.goto("providers")
    page.route("**/explain", losing)
    page.get_by_label("From", exact=True).fill("ann@example.com")
    page.get_by_label("To", exact=True).fill("bob@example.org")
    page.get_by_label("Tags (optional)").fill("a, b")
    page.get_by_role("button", name="Explain").click()
    answer = page.locator(".explained")
    expect(answer).to_contain_text("It would lose tags and answers to an invitation there.")
    expect(answer).to_contain_text(
        "It has 1 recipient, 20 KiB and 2 tags, and may lose tags, metadata, its own Message-ID"
    )
    expect(answer).to_contain_text("It would not be sent to bob@example.org: suppressed.")
    page.get_by_label("Mail of an account").check()
    page.get_by_role("button", name="Explain").click()
    expect(answer).to_contain_text("It has 1 recipient")
    expect(answer).to_contain_text("would take it")
    expect(answer).not_to_contain_text("suppressed")
    watched.page.request.delete(bob)


def test_a_route_says_what_its_mails_may_lose(watched):
    body = json.dumps(route(watched) | {"allow_loss": ["headers"]})
    assert watched.page.request.put(f"{watched.base}/v1/routes/default", data=body).ok
    page = watched.goto("providers")
    expect(page.get_by_text("Its mails may lose headers at a provider.")).to_be_visible()


def test_a_card_shows_success_latency_and_what_waits(watched):
    mail = {"from": "ann@example.com", "to": ["bob@example.org"], "subject": "Hello", "text": "x"}
    for _ in range(3):
        sent = watched.page.request.post(
            f"{watched.base}/v1/emails", data=json.dumps(mail), headers={"Prefer": "wait=10"}
        )
        assert sent.json()["state"] == "sent"
    page = watched.goto("providers")
    card = page.locator(".account").filter(has=page.get_by_role("heading", name="mailgun"))
    expect(card).to_contain_text("100 % of")
    expect(card).to_contain_text("Waitingno mail")
    expect(card.get_by_role("img", name="Success share of mailgun, the last hour")).to_be_visible(timeout=40_000)
    expect(card.get_by_role("img", name="Median latency of mailgun, the last hour")).to_be_visible()


def test_on_a_phone_all_of_it_fits(watched):
    watched.page.set_viewport_size(PHONE)
    page = watched.goto("providers")
    page.get_by_role("button", name="Move up: sendgrid").click()
    expect(rows(page)).to_have_text(["sendgrid", "mailgun"])
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.get_by_role("button", name="Put it back").click()
    expect(rows(page)).to_have_text(["mailgun", "sendgrid"])
