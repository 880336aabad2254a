"""A person breaks the first provider by the panel, sends a mail, and watches it go another way."""

import re

import pytest
from playwright.sync_api import expect

from attacks.house import until

pytestmark = pytest.mark.slow


@pytest.fixture
def panel(watched):
    yield watched
    watched.page.request.delete(f"{watched.base}/v1/sandbox/faults")


def break_it(page, provider, kind, share=None, seconds=None):
    card = page.get_by_role("region", name=provider, exact=True)
    card.get_by_label("From now on it").select_option(label=kind)
    if share is not None:
        card.get_by_label("Share in %").fill(str(share))
    if seconds is not None:
        card.get_by_label("For seconds").fill(str(seconds))
    card.get_by_role("button", name=f"Break {provider}").click()
    return card


def send(watched, subject, to="bob@example.org"):
    mail = {"from": "ann@example.com", "to": [to], "subject": subject, "text": "x"}
    sent = watched.page.request.post(f"{watched.base}/v1/emails", data=mail, headers={"Prefer": "wait=15"})
    return sent.json()["id"]


def test_the_first_provider_is_broken_and_mail_goes_another_way_until_it_is_healed(panel):
    page = panel.goto("sandbox")
    card = break_it(page, "mailgun", "answers 401: the key is refused")
    expect(card).to_contain_text("broken")
    panel.goto(f"messages/{send(panel, 'Another way')}")
    expect(page.get_by_role("list", name="Its story")).to_contain_text("Attempt 2: sendgrid")
    panel.goto("sandbox")
    expect(card.get_by_role("list")).to_contain_text("answers 401: the key is refused. Hit 1 time.")
    page.get_by_role("button", name="Heal all").click()
    expect(card).to_contain_text("well")
    expect(page.get_by_role("button", name="Heal all")).to_be_disabled()


def test_a_fault_of_a_share_and_a_time_says_so_and_heals_itself(panel):
    page = panel.goto("sandbox")
    card = break_it(page, "sendgrid", "answers 429: too many requests", share=30, seconds=100)
    expect(card.get_by_role("list")).to_contain_text(re.compile(r"30 % of the requests, for another \d+ s\."))
    with page.expect_response("**/faults/sendgrid") as put:
        break_it(page, "sendgrid", "refuses connections", seconds=1)
    assert [one["kind"] for one in put.value.request.post_data_json["faults"]] == ["status", "refuse"]
    expect(card.get_by_role("listitem")).to_have_count(1)
    card.get_by_role("button", name="Heal: sendgrid answers 429").click()
    expect(card).to_contain_text("well")


def test_a_mail_bounces_that_was_taken_well(panel):
    page = panel.goto("sandbox")
    break_it(page, "mailgun", "takes it; it bounces later")
    break_it(page, "sendgrid", "takes it; it bounces later")
    expect(page.get_by_text("broken", exact=True)).to_have_count(2)
    message = send(panel, "Bounces", "eve@example.org")
    until(lambda: "bounced" in page.request.get(f"{panel.base}/v1/emails/{message}").text())
    panel.goto(f"messages/{message}")
    expect(page.locator(".people li")).to_contain_text("bounced")


def test_a_fault_that_is_no_number_is_not_put(panel):
    page = panel.goto("sandbox")
    card = break_it(page, "mailgun", "answers 500", share=0)
    expect(card).to_contain_text("well")
    expect(card.get_by_label("Share in %")).to_be_focused()
