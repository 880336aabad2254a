"""Answers that come late, or in another order than they were asked for, while somebody goes on with something else."""

import json
import re
import time

import pytest
from playwright.sync_api import expect

from attacks.house import until

pytestmark = pytest.mark.slow
MAIL = {"from": "ann@example.com", "to": ["bob@example.org"], "subject": "Hello", "text": "x"}
HOLD_FILES = """
const read = FileReader.prototype.readAsDataURL;
FileReader.prototype.readAsDataURL = function (...given) { window.letGo = () => read.apply(this, given); };
"""

WATCH = """(card) => {
  const seen = [];
  const look = () => seen.push(card.textContent.includes("broken"));
  new MutationObserver(look).observe(card, { subtree: true, childList: true });
  return seen;
}"""


class Held:
    """Answers to what is asked at an address: each is kept until it is let go."""

    def __init__(self, page, address, method):
        self.page, self.method, self.routes, self.is_over = page, method, [], False
        page.route(address, self._take)

    def _take(self, route):
        if self.is_over or route.request.method != self.method:
            route.fallback()
        else:
            self.routes.append((route, route.fetch()))

    def wait(self, count=1):
        until(lambda: self.page.evaluate("true") and len(self.routes) >= count)

    def let_go(self):
        """What was asked for so far; what comes from now on is not kept."""
        self.is_over = True
        for route, answer in self.routes:
            route.fulfill(response=answer)


def filled(page, subject):
    page.get_by_label("From", exact=True).fill("ann@example.com")
    page.locator("#email-1").fill("bob@example.org")
    page.get_by_label("Subject").fill(subject)
    page.get_by_label("Text", exact=True).fill("x")


def press_send(page):
    page.get_by_role("button", name="Send", exact=True).click()


def test_while_a_mail_is_sent_the_answer_to_the_one_before_is_gone(watched):
    page = watched.goto("send")
    filled(page, "First")
    press_send(page)
    expect(page.get_by_role("heading", name="Accepted")).to_be_focused()
    held = Held(page, "**/v1/emails", "POST")
    press_send(page)
    held.wait()
    expect(page.locator(".answer")).to_have_text("Sending …")
    held.let_go()
    expect(page.get_by_role("heading", name="Accepted")).to_be_visible()


def test_who_writes_the_next_mail_meanwhile_is_not_taken_away_from_it(watched):
    page = watched.goto("send")
    held = Held(page, "**/v1/emails", "POST")
    filled(page, "Sent")
    press_send(page)
    held.wait()
    page.get_by_label("Subject").fill("The next")
    held.let_go()
    expect(page.get_by_role("heading", name="Accepted")).to_be_visible()
    expect(page.get_by_label("Subject")).to_be_focused()


def test_a_file_that_is_still_being_read_goes_with_its_mail(watched):
    watched.page.add_init_script(HOLD_FILES)
    page = watched.goto("send")
    filled(page, "With a file")
    page.get_by_label("Attachments").set_input_files([{"name": "a.txt", "mimeType": "text/plain", "buffer": b"hi"}])
    watched.until("window.letGo !== undefined")
    press_send(page)
    with page.expect_request("**/v1/emails") as asked:
        page.evaluate("window.letGo()")
    assert [file["filename"] for file in asked.value.post_data_json["attachments"]] == ["a.txt"]
    expect(page.get_by_role("heading", name="Accepted")).to_be_visible()


def test_what_is_done_to_a_mail_that_was_left_does_not_disturb_what_is_done_now(watched):
    page = watched.page
    later = json.dumps(MAIL | {"send_at": int(time.time()) + 3600})
    mail = page.request.post(f"{watched.base}/v1/emails", data=later).json()["id"]
    watched.goto(f"messages/{mail}")
    held = Held(page, "**/cancel", "POST")
    page.get_by_role("button", name="Cancel the mail").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel the mail").click()
    held.wait()
    watched.goto("send")
    filled(page, "Half written")
    held.let_go()
    expect(page.get_by_role("status").filter(has_text="Cancelled")).to_have_count(1)
    expect(page.get_by_label("Subject")).to_have_value("Half written")


def test_an_answer_that_was_overtaken_undoes_nothing_on_the_page(watched):
    page = watched.goto("sandbox")
    card = page.get_by_role("region", name="sendgrid", exact=True)
    expect(card).to_contain_text("well")
    held = Held(page, "**/v1/sandbox/faults", "GET")
    held.wait()  # the look of the clock
    held.is_over = True
    card.get_by_label("From now on it").select_option(label="answers 500")
    card.get_by_role("button", name="Break sendgrid").click()
    expect(card).to_contain_text("broken")
    seen = page.evaluate_handle(WATCH, card.element_handle())
    held.let_go()
    with page.expect_response("**/v1/sandbox/faults"):
        pass
    watched.settled()
    assert False not in seen.json_value()
    page.request.delete(f"{watched.base}/v1/sandbox/faults")


def test_a_list_that_is_read_twice_at_once_shows_nothing_twice(watched):
    page = watched.page
    page.request.put(f"{watched.base}/v1/suppressions/dan@example.net", data="{}")
    held = Held(page, "**/v1/suppressions/search", "POST")
    watched.goto("suppressions")
    held.wait()
    page.get_by_label("Address", exact=True).fill("eve@example.net")
    page.get_by_role("button", name="Suppress").click()
    held.wait(2)
    held.let_go()
    rows = page.get_by_role("list", name="Addresses that must not be written to").get_by_role("listitem")
    expect(rows.filter(has_text="eve@example.net")).to_have_count(1)
    watched.settled()
    expect(rows).to_have_count(2)


def test_a_key_that_may_only_read_gets_no_form_though_its_rights_come_late(browser, keyed, house):
    page = keyed.page
    page.add_init_script(f"sessionStorage.setItem('everpost.key', {house.token(scope='read')!r})")
    held = Held(page, "**/v1/whoami", "GET")
    keyed.goto("suppressions")
    expect(page.get_by_text(re.compile("Every address may be written to"))).to_be_visible()
    held.let_go()
    expect(page.get_by_role("button", name="Suppress")).to_have_count(0)
    expect(page.get_by_role("button", name="Export CSV")).to_be_visible()
