"""Suppressions, events, webhooks and keys, managed as a person would."""

import csv
import http.server
import io
import json
import re
import threading
import time
from contextlib import contextmanager

import pytest
from playwright.sync_api import expect

from entrypoints.ui.test_safety import VECTORS
from page_kit import dev, tab
from server_kit import HOST

pytestmark = pytest.mark.slow
MAIL = {"from": "ann@example.com", "subject": "Hello", "text": "x"}


def ask(watched, method, path, body=None, **headers):
    options = {"data": json.dumps(body)} if body is not None else {}
    answer = watched.page.request.fetch(f"{watched.base}{path}", method=method, headers=headers, **options)
    assert answer.ok, answer.text()
    return answer.json() if answer.status != 204 else None


def sent(watched, *to):
    return ask(watched, "POST", "/v1/emails", MAIL | {"to": list(to)}, Prefer="wait=10")


def states(mail):
    return [one["state"] for one in mail["recipients"]]


def listed(page):
    return page.get_by_role("list", name="Addresses that must not be written to").get_by_role("listitem")


def test_an_address_is_suppressed_the_next_mail_is_stopped_and_after_its_removal_it_goes_again(watched):
    page = watched.goto("suppressions")
    page.get_by_label("Address", exact=True).fill("Eve@example.net")
    page.get_by_label("Reason (optional)").fill("asked by phone")
    page.get_by_role("button", name="Suppress").click()
    expect(listed(page).filter(has_text="eve@example.net")).to_contain_text("asked by phone")
    assert states(sent(watched, "eve@example.net", "bob@example.org"))[0] == "suppressed"
    page.get_by_role("button", name="Remove eve@example.net").click()
    dialog = page.get_by_role("dialog", name="Write to this address again?")
    expect(dialog).to_contain_text("asked by phone")
    page.keyboard.press("Escape")
    expect(listed(page).filter(has_text="eve@example.net")).to_be_visible()
    page.get_by_role("button", name="Remove eve@example.net").click()
    dialog.get_by_role("button", name="Remove it").click()
    expect(listed(page).filter(has_text="eve@example.net")).to_have_count(0)
    assert states(sent(watched, "eve@example.net")) != ["suppressed"]


def test_what_is_no_address_is_said_at_its_field(watched):
    page = watched.goto("suppressions")
    page.get_by_label("Address", exact=True).fill("nobody")
    page.get_by_role("button", name="Suppress").click()
    expect(page.get_by_label("Address", exact=True)).to_be_focused()
    expect(page.get_by_label("Address", exact=True)).to_have_accessible_description(re.compile("needs an @"))


LIST = "address,reason\nlist-{at}@example.net,=HYPERLINK(1)\nnobody,x\nlast-{at}@example.net\n"


@pytest.mark.parametrize("is_pasted", [True, False])
def test_a_list_is_looked_at_taken_searched_and_exported(watched, is_pasted, tmp_path):
    at = "pasted" if is_pasted else "chosen"
    page = watched.goto("suppressions")
    page.get_by_text("Import a list").click()
    if is_pasted:
        page.get_by_label("Or its lines, pasted here").fill(LIST.format(at=at))
    else:
        file = {"name": "list.csv", "mimeType": "text/csv", "buffer": LIST.format(at=at).encode()}
        page.get_by_label("A CSV file").set_input_files([file])
        expect(page.get_by_label("Or its lines, pasted here")).to_have_value(LIST.format(at=at))
    page.get_by_role("button", name="Look at it").click()
    faults = page.get_by_role("list", name="Lines that can't be read").get_by_role("listitem")
    expect(faults).to_have_count(1)
    expect(faults).to_contain_text("line 3")
    expect(listed(page).filter(has_text=f"list-{at}")).to_have_count(0)
    page.get_by_role("button", name="Suppress 2 addresses").click()
    expect(page.get_by_text("Done: 2 addresses suppressed.")).to_be_visible()
    expect(listed(page).filter(has_text=f"list-{at}")).to_be_visible()
    page.get_by_label("Address, or how it begins").fill(f"LIST-{at}")
    page.get_by_role("button", name="Search").click()
    expect(listed(page)).to_have_count(1)
    expect(page).to_have_url(f"{watched.base}/#/suppressions")
    assert not [address for address in watched.asked if f"list-{at}" in address.lower()]
    with page.expect_download() as download:
        page.get_by_role("button", name="Export CSV").click()
    titles, row = csv.reader(io.StringIO(download.value.path().read_text()))
    assert titles[:2] == ["address", "reason"]
    assert row[:2] == [f"list-{at}@example.net", "'=HYPERLINK(1)"]
    assert re.fullmatch(r"suppressions-\d{4}-\d\d-\d\d\.csv", download.value.suggested_filename)
    page.get_by_label("Address, or how it begins").fill("nobody-is-called-so")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_text("No address that must not be written to begins like that.")).to_be_visible()


def test_a_long_list_is_shown_page_by_page(watched):
    names = [f"many{number:03}@example.net" for number in range(120)]
    ask(watched, "POST", "/v1/suppressions/import", {"csv": "\n".join(names)})
    page = watched.goto("suppressions")
    page.get_by_label("Address, or how it begins").fill("many")
    page.get_by_role("button", name="Search").click()
    expect(listed(page)).to_have_count(100)
    page.get_by_role("button", name="More addresses").click()
    expect(listed(page)).to_have_count(120)
    expect(page.get_by_role("button", name="More addresses")).to_have_count(0)


def events(page):
    return page.get_by_role("list", name="Events").locator("> li")


def test_events_are_filtered_and_what_is_filtered_is_exported(watched):
    mails = [sent(watched, "bob@example.org") for _ in range(3)]
    page = watched.goto("events")
    expect(page.get_by_role("link", name=mails[-1]["id"]).first).to_be_visible()
    page.get_by_label("Type").select_option("email.accepted")
    expect(page).to_have_url(f"{watched.base}/#/events?type=email.accepted")
    expect(page.get_by_role("link", name=mails[-1]["id"])).to_have_count(1)
    assert set(events(page).locator(".row-type").all_inner_texts()) == {"email.accepted"}
    told = ask(watched, "GET", "/v1/events?type=email.accepted&limit=1000")["data"]
    with page.expect_download() as download:
        page.get_by_role("button", name="Export JSON lines").click()
    lines = download.value.path().read_text().splitlines()
    assert [json.loads(line) for line in lines] == told
    with page.expect_download() as download:
        page.get_by_role("button", name="Export CSV").click()
    titles, *rows = csv.reader(io.StringIO(download.value.path().read_text(), newline=""))
    assert [row[titles.index("sequence")] for row in rows] == [event["sequence"] for event in told]
    late = sent(watched, "bob@example.org")
    expect(events(page).first.get_by_role("link", name=late["id"])).to_be_visible()


def test_events_are_narrowed_to_an_account_a_mail_and_a_time(watched):
    mail = sent(watched, "bob@example.org")
    account = mail["deliveries"][0]["account"]
    page = watched.goto("events")
    page.get_by_label("Account").select_option(account)
    expect(page).to_have_url(f"{watched.base}/#/events?account={account}")
    expect(page.get_by_role("link", name=mail["id"]).first).to_be_visible()
    expect(events(page).filter(has_text="email.accepted")).to_have_count(0)
    page.get_by_label("Id of a mail").fill(mail["id"])
    page.get_by_role("button", name="Filter").click()
    expect(page).to_have_url(re.compile("message=em_"))
    expect(events(page).filter(has_text="email.sent")).to_have_count(1)
    page.get_by_label("From").fill("2099-01-01T00:00")
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_text("No event is like that, as far as was looked.")).to_be_visible()
    page.get_by_role("link", name="Clear").click()
    expect(page.get_by_label("From")).to_have_value("")
    expect(page.get_by_role("link", name=mail["id"]).first).to_be_visible()


class _Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.got.append(json.loads(body))
        self.send_response(self.server.status)
        self.send_header("content-length", "0")
        self.end_headers()
        self.server.bell.set()

    def log_message(self, format, *args):  # noqa: A002  the name that it is called by
        pass


@contextmanager
def receiver():
    with http.server.ThreadingHTTPServer((HOST, 0), _Receiver) as server:
        server.got, server.status, server.bell = [], 204, threading.Event()
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        server.address = f"http://{HOST}:{server.server_port}/hook"
        yield server
        server.shutdown()
        thread.join()


def times_of(server, id_, count):
    """How often it has got this event, once that is often enough."""
    ends_at = time.monotonic() + 20
    while (found := [event["id"] for event in server.got].count(id_)) < count and time.monotonic() < ends_at:
        server.bell.wait(0.2)
        server.bell.clear()
    return found


def test_a_webhook_is_made_tried_told_again_changed_and_deleted(watched):
    with receiver() as server:
        page = watched.goto("webhooks")
        page.get_by_label("Where to post").fill(server.address)
        page.get_by_label("What it is for (optional)").fill("the shop")
        page.get_by_text("Only some events").click()
        page.get_by_role("group", name="email").get_by_label("sent", exact=True).check()
        page.get_by_role("button", name="Make the webhook").click()
        expect(page.get_by_role("heading", name="Its secret")).to_be_focused()
        secret = page.locator(".secret pre").inner_text()
        assert secret.startswith("whsec_")
        page.get_by_role("button", name="I have kept it").click()
        assert secret not in page.content()
        page.get_by_role("link", name=server.address).click()
        expect(page.get_by_role("heading", level=1)).to_have_text(server.address)

        page.get_by_role("button", name="Send a test").click()
        expect(page.get_by_text(re.compile("Taken with status 204"))).to_be_visible()

        mail = sent(watched, "bob@example.org")
        [event] = ask(watched, "GET", f"/v1/events?message={mail['id']}&type=email.sent")["data"]
        assert times_of(server, event["id"], 1) == 1
        page.get_by_role("button", name=f"Replay {event['id']}").click()
        assert times_of(server, event["id"], 2) == 2
        again = page.get_by_role("form", name="Replay")
        again.get_by_label("One event").fill(event["sequence"])
        again.get_by_role("button", name="Replay").click()
        assert times_of(server, event["id"], 3) == 3
        again.get_by_label("One event").fill("")
        again.get_by_label("From").fill("2020-01-31T09:00")
        again.get_by_role("button", name="Replay").click()
        assert times_of(server, event["id"], 4) == 4

        page.get_by_role("button", name="New secret").click()
        page.get_by_role("dialog").get_by_role("button", name="New secret").click()
        expect(page.get_by_role("heading", name="Its new secret")).to_be_focused()
        assert page.locator(".secret pre").inner_text() != secret
        expect(page.get_by_text("Old secrets sign until")).to_be_visible()

        page.get_by_text("Change it", exact=True).first.click()
        page.get_by_role("form", name="Change it").get_by_label("What it is for (optional)").fill("the other shop")
        page.get_by_role("button", name="Save").click()
        expect(page.locator(".facts")).to_contain_text("the other shop")
        page.get_by_role("button", name="Disable").click()
        expect(page.get_by_text("Disabled: by local.")).to_be_visible()
        page.get_by_role("button", name="Enable").click()
        expect(page.get_by_text("gets events")).to_be_visible()

        page.get_by_role("button", name="Delete").click()
        page.get_by_role("dialog").get_by_role("button", name="Delete it").click()
        expect(page.get_by_role("heading", name="Webhooks", level=1)).to_be_visible()
        expect(page.get_by_role("link", name=server.address)).to_have_count(0)


def test_a_webhook_in_a_providers_format_is_made(watched):
    page = watched.goto("webhooks")
    page.get_by_label("Where to post").fill("http://127.0.0.1:2525/mailgun")
    page.get_by_label("In the format of").select_option("mailgun")
    page.get_by_label("Login (optional)").fill("shop:correct-horse")
    page.get_by_role("button", name="Make the webhook").click()
    expect(page.get_by_role("heading", name="Its secret")).to_be_focused()
    page.get_by_role("button", name="I have kept it").click()
    page.get_by_role("link", name="http://127.0.0.1:2525/mailgun").click()
    expect(page.locator(".facts")).to_contain_text("In the format ofmailgun")
    page.get_by_text("Change it", exact=True).first.click()
    expect(page.get_by_label("In the format of")).to_have_count(0)
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete it").click()
    expect(page.get_by_role("heading", name="Webhooks", level=1)).to_be_visible()
    assert "horse" not in page.content()


def test_what_a_receiver_does_not_take_is_told(watched):
    with receiver() as server:
        server.status = 500
        made = ask(watched, "POST", "/v1/webhooks", {"url": server.address})
        page = watched.goto(f"webhooks/{made['id']}")
        page.get_by_role("button", name="Send a test").click()
        expect(page.get_by_text(re.compile("500"))).to_be_visible()
        sent(watched, "bob@example.org")
        expect(page.locator(".attempts li").first).to_contain_text("status 500")
        expect(page.get_by_text("failing", exact=True)).to_be_visible()
        ask(watched, "DELETE", f"/v1/webhooks/{made['id']}")


def test_an_address_that_may_not_be_posted_to_is_said_at_its_field(watched):
    page = watched.goto("webhooks")
    page.get_by_label("Where to post").fill("https://169.254.169.254/")
    page.get_by_role("button", name="Make the webhook").click()
    expect(page.get_by_label("Where to post")).to_be_focused()
    expect(page.get_by_label("Where to post")).to_have_attribute("aria-invalid", "true")


def test_a_key_is_made_used_and_revoked_and_then_nobody_is_let_in_with_it(keyed, house, browser):
    page = keyed.goto("keys")
    page.get_by_label("What it is for").fill("a laptop")
    page.get_by_label("What it may do").select_option("read")
    page.get_by_role("button", name="Make the key").click()
    expect(page.get_by_role("heading", name="The new key")).to_be_focused()
    token = page.locator(".secret pre").inner_text()
    row = page.get_by_role("list", name="Keys, newest first").get_by_role("listitem").filter(has_text="a laptop")
    expect(row).to_contain_text("in force")
    expect(row).to_contain_text("never")
    page.get_by_role("button", name="I have kept it").click()
    assert token not in page.content()
    with tab(browser, keyed.base) as other:
        theirs = other.goto("messages")
        theirs.get_by_label("API key").fill(token)
        theirs.get_by_role("button", name="Use this key").click()
        expect(theirs.get_by_role("heading", name="Messages")).to_be_visible()
        expect(row.locator("dd").first).not_to_have_text("never")
        page.get_by_role("button", name="Revoke a laptop").click()
        dialog = page.get_by_role("dialog", name="Revoke this key?")
        expect(dialog).to_contain_text("This can't be taken back.")
        dialog.get_by_role("button", name="Revoke it").click()
        expect(row).to_contain_text("revoked")
        theirs.reload()
        expect(theirs.get_by_text("The last one was not taken")).to_be_visible()
        assert other.broken == []


def test_the_own_key_is_marked_and_its_end_is_warned_of(keyed, house):
    page = keyed.goto("keys")
    row = page.get_by_role("list", name="Keys, newest first").get_by_role("listitem").filter(has_text="yours")
    expect(row).to_have_count(1)
    row.get_by_role("button").click()
    expect(page.get_by_role("dialog")).to_contain_text("It is the key that you are using")
    page.keyboard.press("Escape")
    expect(row).to_contain_text("in force")


def test_who_may_only_read_sees_no_way_to_change(browser, house):
    with tab(browser, f"http://{HOST}:{house.port}") as watched:
        watched.page.add_init_script(f"sessionStorage.setItem('everpost.key', {house.token(scope='read')!r})")
        page = watched.goto("messages")
        page.get_by_role("navigation").get_by_role(
            "link", name="Suppressions"
        ).click()  # comes with what the key may do
        expect(page.get_by_role("button", name="Export CSV")).to_be_visible()
        expect(page.get_by_role("button", name="Suppress")).to_have_count(0)
        page.get_by_role("link", name="Webhooks").click()
        expect(page.get_by_text("Nobody is told of events yet.")).to_be_visible()
        expect(page.get_by_role("button", name="Make the webhook")).to_have_count(0)
        page.get_by_role("link", name="Keys").click()
        expect(page.get_by_text("Your key has the scope read, which is not enough for this.")).to_be_visible()
        assert watched.broken == []


def test_whatever_was_written_into_the_lists_is_text(watched):
    page = watched.goto("suppressions")
    for number, vector in enumerate(VECTORS):
        ask(watched, "PUT", f"/v1/suppressions/vector{number}@example.net", {"reason": vector})
        ask(watched, "POST", "/v1/keys", {"scope": "read", "name": vector})
        ask(watched, "POST", "/v1/webhooks", {"url": f"http://127.0.0.1/{number}", "description": vector})
    for view in ("suppressions", "keys", "webhooks"):
        watched.goto(view)
        if view == "suppressions":
            page.get_by_label("Address, or how it begins").fill("vector")
            page.get_by_role("button", name="Search").click()
        for vector in VECTORS:
            expect(page.get_by_text(vector).first).to_be_visible()
        assert watched.foreign == []
    for webhook in ask(watched, "GET", "/v1/webhooks")["data"]:
        ask(watched, "DELETE", f"/v1/webhooks/{webhook['id']}")


def test_before_anything_has_happened_no_earlier_events_are_offered(browser, tmp_path):
    with dev(tmp_path) as address, tab(browser, address) as watched:
        page = watched.goto("events")
        expect(page.get_by_text("Nothing has happened yet.")).to_be_visible()
        expect(page.get_by_role("button", name="Earlier events")).to_have_count(0)
