"""Messages as a person works with them: a list of any length, live; one mail acted on, and many; what a mail says."""

import base64
import json
import socket
import time
from pathlib import Path

import pytest
from playwright.sync_api import expect

from attacks.house import until
from attacks.test_preview import SIGN, VECTORS
from page_kit import tab

pytestmark = pytest.mark.slow
MAIL = {"from": "ann@example.com", "to": ["bob@example.org"], "subject": "Hello", "text": "It works"}
SILENT = {"kind": "status", "status": 503, "target": "lookup"}
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def post(watched, **fields):
    answer = watched.page.request.post(f"{watched.base}/v1/emails", data=json.dumps(MAIL | fields))
    assert answer.ok, answer.text()
    return answer.json()["id"]


def in_an_hour():
    return int(time.time()) + 3600


def rows(page):
    return page.get_by_role("list", name="Mails").get_by_role("listitem")


@pytest.fixture
def held(house):
    """A mail of which nobody can tell: its provider can not be asked, and its sender wants it held."""

    def make(**fields):
        house.control("PUT", "mailgun/faults", [{"kind": "status", "status": 502, "count": 1}, SILENT])
        return house.ask("POST", "/v1/emails", MAIL | {"on_unknown": "hold", "resolve_within_s": 0} | fields).json["id"]

    yield make
    for provider in ("mailgun", "sendgrid"):
        house.control("DELETE", f"{provider}/faults")


# --- the list ---------------------------------------------------------------------------------------------------------


def test_a_list_of_any_length_has_few_elements_and_is_read_on_as_one_scrolls(watched):
    for number in range(230):
        post(watched, subject=f"Many {number}", tags=["many"])
    page = watched.goto("messages?tag=many")
    expect(page.get_by_text("Many 229", exact=True)).to_be_visible()
    until(lambda: scrolled(page) and page.get_by_text("Many 0", exact=True).count())
    assert 10 < rows(page).count() < 80
    expect(page.get_by_text("These are all 230 mails.")).to_be_visible()
    assert (
        page.evaluate("[...document.querySelectorAll('.windowed > li')].map((row) => row.ariaPosInSet).at(-1)") == "230"
    )
    page.evaluate("window.scrollTo(0, 0)")
    expect(page.get_by_text("Many 229", exact=True)).to_be_visible()


def test_older_mails_that_could_not_be_read_are_asked_for_again_though_nobody_can_scroll(watched):
    for number in range(120):
        post(watched, subject=f"Older {number}", tags=["older"])
    cuts = []

    def cut(route):
        """Once, and only of a page behind the newest one."""
        if cuts or "cursor" not in route.request.post_data_json:
            return route.fallback()
        cuts.append(route)
        return route.abort()

    watched.page.route("**/v1/emails/search", cut)
    page = watched.goto("messages?tag=older")
    until(lambda: scrolled(page) and cuts)
    expect(page.get_by_text("These are all 120 mails.")).to_be_visible()


def test_who_is_at_the_end_of_the_list_stays_there_when_older_mails_have_been_read(watched):
    for number in range(120):
        post(watched, subject=f"Behind {number}", tags=["behind"])
    held = []
    watched.page.route(
        "**/v1/emails/search",
        lambda route: held.append(route) if "cursor" in route.request.post_data_json else route.fallback(),
    )
    page = watched.goto("messages?tag=behind")
    until(lambda: scrolled(page) and held)
    at_the_end = page.evaluate("scrollTo(0, document.documentElement.scrollHeight), scrollY")
    held[0].fallback()
    expect(page.get_by_text("These are all 120 mails.")).to_be_attached()
    assert page.evaluate("new Promise((drawn) => requestAnimationFrame(() => drawn(scrollY)))") == at_the_end


def scrolled(page):
    page.evaluate("window.scrollTo(0, document.documentElement.scrollHeight)")
    return True


def test_what_comes_and_what_becomes_of_it_is_shown_as_it_happens(watched):
    page = watched.goto("messages?tag=live")
    expect(page.get_by_text("No mail is like that.")).to_be_visible()
    until(lambda: any(address.endswith("/v1/events") for address in watched.asked))
    id_ = post(watched, subject="Just now", tags=["live"], send_at=in_an_hour())
    row = rows(page).filter(has_text="Just now")
    expect(row).to_contain_text("queued")
    page.request.post(f"{watched.base}/v1/emails/{id_}/cancel")
    expect(row).to_contain_text("cancelled")


def test_without_a_stream_the_list_is_asked_for_again_and_again(watched):
    watched.page.route("**/v1/events", lambda route: route.abort())
    page = watched.goto("messages?tag=polled")
    expect(page.get_by_text("No mail is like that.")).to_be_visible()
    post(watched, subject="Found by a look", tags=["polled"])
    expect(page.get_by_text("Found by a look")).to_be_visible()


def test_no_address_that_is_looked_for_stands_in_an_address_of_a_request(watched):
    post(watched, to=["odd.person@example.org"], subject="Looked for")
    page = watched.goto("messages")
    page.get_by_label("Recipient").fill("odd.person@example.org")
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_text("Looked for")).to_be_visible()
    assert [address for address in watched.asked if "odd.person" in address.partition("#")[0]] == []


# --- one mail ---------------------------------------------------------------------------------------------------------


def test_a_mail_of_which_nobody_can_tell_is_resolved_by_a_person(keyed, house, held):
    id_ = held(subject="Who knows")
    until(lambda: house.mail(id_)["state"] == "held")
    page = keyed.goto("messages?state=held")
    page.get_by_text("Who knows").click()
    page.get_by_role("button", name="Resolve").click()
    dialog = page.get_by_role("dialog", name="What became of it?")
    expect(dialog).to_contain_text("It is unknown whether mailgun has it")
    dialog.get_by_role("button", name="Resolve it").click()
    expect(dialog).to_be_visible()  # nothing is chosen, and no reason given
    dialog.get_by_label("It was sent").check()
    dialog.get_by_label("Why").fill("Bob says that he has it")
    dialog.get_by_role("button", name="Resolve it").click()
    expect(page.locator(".standing")).to_contain_text("sent")
    story = page.get_by_role("list", name="Its story")
    expect(story).to_contain_text("Decided by a person")
    expect(story).to_contain_text("the provider has it. Bob says that he has it.")
    assert house.mail(id_)["attempts"][-1]["resolution"] == "decided; sent"


def test_a_decision_about_an_attempt_that_is_no_longer_the_last_is_not_heard(keyed, house, held):
    id_ = held(subject="Too late")
    until(lambda: house.mail(id_)["state"] == "held")
    page = keyed.goto(f"messages/{id_}")
    page.get_by_role("button", name="Resolve").click()
    other = {"decision": "failed", "reason": "somebody else was quicker"}
    house.ask("POST", f"/v1/emails/{id_}/resolve", other)
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Send it again").check()
    dialog.get_by_label("Why").fill("x")
    dialog.get_by_role("button", name="Resolve it").click()
    expect(page.get_by_role("alert")).to_contain_text("not_resolvable")
    assert house.mail(id_)["state"] == "failed"


def test_a_mail_is_moved_to_another_time(watched):
    id_ = post(watched, subject="Moved", send_at=in_an_hour())
    page = watched.goto(f"messages/{id_}")
    page.get_by_role("button", name="Reschedule").click()
    dialog = page.get_by_role("dialog")
    there = page.evaluate("""() => { const at = new Date(Date.now() + 7200e3 - new Date().getTimezoneOffset() * 60e3);
        return at.toISOString().slice(0, 16); }""")
    dialog.get_by_label("Not before").fill(there)
    dialog.get_by_label("Why").fill("not at night")
    dialog.get_by_role("button", name="Move it").click()
    expect(page.get_by_role("list", name="Its story")).to_contain_text("Not at night.")
    told = page.request.get(f"{watched.base}/v1/emails/{id_}").json()
    assert told["send_at"] == told["deliveries"][0]["due_at"]
    assert told["send_at"][:16] == page.evaluate("(local) => new Date(local).toISOString()", there)[:16]


def test_a_mail_is_sent_again_and_both_lead_to_each_other(watched):
    id_ = post(watched, subject="Twice")
    page = watched.goto(f"messages/{id_}")
    page.get_by_role("button", name="Send again").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("A new mail is made of this one, for its 1 recipient")
    dialog.get_by_label("Why").fill("they have lost it")
    dialog.get_by_role("button", name="Send it again").click()
    expect(page.get_by_role("list", name="Its story")).to_contain_text("They have lost it.")
    page.locator(".facts").get_by_role("link", name=id_).click()
    expect(page.get_by_role("list", name="Its story")).to_contain_text("Sent again")
    until(lambda: caught(watched).count("Twice") == 2)


def caught(watched):
    return [one["subject"] for one in watched.page.request.get(f"{watched.base}/v1/inbox").json()["data"]]


# --- many -------------------------------------------------------------------------------------------------------------


def test_many_are_counted_before_they_are_cancelled_and_what_does_not_fit_is_told(watched):
    for number in range(3):
        post(watched, subject=f"Newsletter {number}", tags=["newsletter"], send_at=in_an_hour())
    sent = post(watched, subject="Newsletter, sent", tags=["newsletter"])
    until(lambda: watched.page.request.get(f"{watched.base}/v1/emails/{sent}").json()["state"] == "sent")
    page = watched.goto("messages?tag=newsletter")
    page.get_by_role("button", name="Act on all of these").click()
    page.get_by_role("dialog").get_by_label("Cancel what is queued").check()
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("dialog").get_by_label("Why").fill("the price was wrong")
    page.get_by_role("button", name="Count them").click()
    dialog = page.get_by_role("dialog", name="Cancel: 3 mails?")
    expect(dialog).to_contain_text("4 mails found.")
    expect(dialog).to_contain_text("1 mail: only a queued message can be cancelled; this one is sent")
    assert page.request.get(f"{watched.base}/v1/emails?tag=newsletter&state=queued").json()["data"]
    dialog.get_by_role("button", name="Cancel: 3 mails").click()
    expect(page.get_by_role("dialog", name="Done")).to_contain_text("Cancel: 3 of 4 mails.")
    page.get_by_role("button", name="Close").click()
    expect(rows(page).filter(has_text="cancelled")).to_have_count(3)


# --- what it says -----------------------------------------------------------------------------------------------------


def shown(watched, id_):
    page = watched.goto(f"messages/{id_}")
    page.get_by_text("What it says").click()
    return page


def test_what_a_mail_says_is_shown_as_html_as_text_and_as_source_with_its_files(watched):
    html = '<p style="color: rgb(1, 2, 3)">Hello <b>Bob</b></p><img alt="logo" src="cid:logo">'
    files = [
        {"filename": "logo.png", "content": PIXEL, "content_type": "image/png", "content_id": "logo"},
        {"filename": "<b>note</b>.txt", "content": base64.b64encode(b"hi").decode()},
    ]
    page = shown(watched, post(watched, html=html, attachments=files, headers={"X-Order": "42"}))
    frame = page.frame_locator("iframe.mail-frame")
    expect(frame.get_by_text("Hello Bob")).to_have_css("color", "rgb(1, 2, 3)")
    expect(frame.get_by_alt_text("logo")).to_have_js_property("naturalWidth", 1)
    page.get_by_label("Text", exact=True).check()
    expect(page.get_by_label("The mail's text")).to_have_text("It works")
    page.get_by_label("Source").check()
    expect(page.get_by_label("The mail's source")).to_contain_text("X-Order: 42")
    page.get_by_label("Headers").check()
    expect(page.locator(".content .facts")).to_contain_text("X-Order42")
    page.get_by_label("Files (2)").check()
    with page.expect_download() as told:
        page.get_by_role("button", name="Save <b>note</b>.txt").click()
    assert Path(told.value.path()).read_bytes() == b"hi"
    expect(page.get_by_role("list", name="Its story")).to_contain_text("Lost therenames of inline files")


def test_nothing_that_a_mail_says_runs_or_calls_anybody(browser, dev_address):
    """Over a thousand vectors, each of which calls the same host, were it to run."""
    with socket.create_server(("127.0.0.1", 0)) as host, tab(browser, dev_address) as watched:
        host.settimeout(0)
        address = f"http://127.0.0.1:{host.getsockname()[1]}"
        vectors = "".join(f"<div>{vector}</div>" for vector in VECTORS if not set(vector) & set("\u2028\ufeff"))
        pieces = (
            '<img src="{}/x.png">',
            '<link rel="stylesheet" href="{}/x.css">',
            '<link rel="preconnect" href="{}">',
        )
        remote = "".join(piece.format(address) for piece in (*pieces, "<style>@import url({}/y.css)</style>"))
        html = f"<p>The end</p>{remote}{vectors.replace(f'http://{SIGN}', address)}"
        page = shown(watched, post(watched, html=html))
        expect(page.frame_locator("iframe.mail-frame").get_by_text("The end")).to_be_visible()
        page.wait_for_load_state("networkidle")
        with pytest.raises(BlockingIOError):
            host.accept()
        assert watched.broken == []
        assert page.locator("iframe.mail-frame").get_attribute("sandbox") == ""


def test_a_key_that_can_only_look_does_not_see_what_a_mail_says(keyed, house):
    id_ = house.ask("POST", "/v1/emails", MAIL | {"text": "It is secret"}).json["id"]
    keyed.page.add_init_script(f"sessionStorage.setItem('everpost.key', {house.token(scope='read')!r})")
    page = shown(keyed, id_)
    expect(page.get_by_role("alert")).to_contain_text("forbidden")
    assert "It is secret" not in page.content()


def test_of_a_mail_that_is_none_only_that_is_told(watched):
    page = watched.goto("messages/em_nobody")
    expect(page.get_by_role("alert")).to_contain_text("There is no such mail")
    expect(page.get_by_role("heading", name="Story")).to_have_count(0)
    expect(page.get_by_text("What it says")).not_to_be_visible()
