"""A provider fails while somebody looks: what the page tells of it."""

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.slow


@pytest.fixture
def fault(house):
    yield lambda provider, **plan: house.control("PUT", f"{provider}/faults", plan)
    for provider in ("mailgun", "sendgrid"):
        house.control("DELETE", f"{provider}/faults")


def send(keyed, subject):
    page = keyed.goto("send")
    page.get_by_label("From", exact=True).fill("ann@example.com")
    page.locator("#email-1").fill("bob@example.org")
    page.get_by_label("Subject").fill(subject)
    page.get_by_label("Text", exact=True).fill("x")
    page.get_by_role("button", name="Send", exact=True).click()
    return page.get_by_role("list", name="Its story").get_by_role("listitem")


def test_a_lost_answer_is_a_question_and_its_answer_is_told(keyed, fault):
    fault("mailgun", kind="accept_reset", count=1)
    story = send(keyed, "Lost answer")
    expect(story).to_contain_text(["Accepted", "Attempt 1: mailgun unknown", "The provider has it", "Sent"])
    expect(story.nth(1)).to_contain_text("It may have been taken.")
    expect(keyed.page.locator(".answer .badge").first).to_have_text("sent")


def test_the_failover_is_watched_and_the_broken_account_is_named(keyed, fault):
    fault("mailgun", kind="status", status=401)
    story = send(keyed, "Failover")
    expect(story).to_contain_text(["Accepted", "Attempt 1: mailgun refused", "Attempt 2: sendgrid accepted"])
    expect(story.nth(2)).to_contain_text("Skipped: mailgun")
    page = keyed.goto("providers")
    account = page.locator(".account").filter(has=page.get_by_role("heading", name="mailgun"))
    expect(account).to_contain_text("takes no mail")
    expect(account.locator(".last-error")).to_contain_text("401")
    keyed.goto("events")
    expect(page.get_by_text("account.opened")).to_be_visible()


def test_with_nobody_left_the_mail_waits_with_the_reason_and_can_be_found(keyed, fault):
    for provider in ("mailgun", "sendgrid"):
        fault(provider, kind="refuse")
    story = send(keyed, "Everybody is away")
    expect(story.filter(has_text="Waits").first).to_contain_text("Until")
    page = keyed.goto("messages?state=queued")
    expect(page.get_by_text("Everybody is away")).to_be_visible()
    page.get_by_text("Everybody is away").click()
    expect(page.locator(".facts")).to_contain_text(["Looked at next"])
    expect(page.get_by_role("button", name="Cancel the mail")).to_be_visible()
