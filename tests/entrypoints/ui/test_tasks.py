"""What a person does on the page, done as a person would, in a real browser against `everpost dev`."""

import json
import re

import pytest
from playwright.sync_api import expect

from attacks.house import until

pytestmark = pytest.mark.slow


def fill_form(page, subject):
    page.get_by_label("From", exact=True).fill("ann@example.com")
    page.locator("#from-name").fill("Ann")
    page.locator("#email-1").fill("bob@example.org")
    page.locator("#name-1").fill("Bob, the builder")
    page.get_by_label("Subject").fill(subject)
    page.get_by_label("Text", exact=True).fill('It\'s "quoted"')


def send(watched, subject):
    page = watched.goto("send")
    fill_form(page, subject)
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_role("heading", name="Accepted")).to_be_focused()
    return page


def test_a_mail_is_sent_and_its_story_is_told(watched):
    page = watched.goto("send")
    fill_form(page, "Hello from the page")
    page.get_by_role("button", name="Add a recipient").click()
    page.locator("#kind-2").select_option("bcc")
    page.locator("#email-2").fill("carol@example.org")
    page.get_by_text("Tags, route, time and idempotency key").click()
    page.get_by_label("Tags").fill("greeting, eu")
    page.get_by_role("button", name="Send", exact=True).click()
    story = page.get_by_role("list", name="Its story")
    expect(story.get_by_text("Accepted", exact=True)).to_be_visible()
    expect(story.get_by_text("On disk, for 2 recipients on the route default.")).to_be_visible()
    expect(story.get_by_text("Attempt 1: mailgun")).to_be_visible()
    expect(story.get_by_text("it is the default account")).to_be_visible()
    expect(story.get_by_text("The provider has it.")).to_be_visible()
    page.locator(".answer a").click()
    expect(page.get_by_role("heading", name="Hello from the page")).to_be_visible()
    expect(page.locator(".people li")).to_contain_text(
        ["ToBob, the builder <bob@example.org>delivered", "Bcccarol@example.orgdelivered"]
    )
    story = page.get_by_role("list", name="Its story")
    expect(story.get_by_text("Bob, the builder <bob@example.org>, as mailgun tells.").first).to_be_visible()
    expect(story.get_by_text("Delivered", exact=True)).to_have_count(2)
    [caught] = [one for one in inbox(watched) if one["subject"] == "Hello from the page"]
    assert (caught["from"], caught["bcc"], caught["tags"]) == (
        "Ann <ann@example.com>",
        ["carol@example.org"],
        ["greeting", "eu"],
    )


def inbox(watched):
    return watched.page.request.get(f"{watched.base}/v1/inbox").json()["data"]


def test_files_go_with_the_mail_be_they_chosen_or_dropped(watched):
    page = watched.goto("send")
    fill_form(page, "With files")
    chosen = {"name": "<b>invoice</b>.pdf", "mimeType": "application/pdf", "buffer": bytes(range(256)) * 8}
    page.get_by_label("Attachments").set_input_files([chosen])
    expect(page.locator(".files li")).to_contain_text(["<b>invoice</b>.pdf2 KiB"])
    dropped = page.evaluate_handle(
        "() => { const all = new DataTransfer(); all.items.add(new File(['hi'], 'note.txt', { type: 'text/plain' }));"
        " all.items.add(new File(['no'], 'no.txt')); return all; }"
    )
    page.dispatch_event(".drop", "drop", {"dataTransfer": dropped})
    page.get_by_role("button", name="Remove no.txt").click()
    expect(page.get_by_label("The request")).to_contain_text("base64 < 'note.txt'")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_role("list", name="Its story").get_by_text("The provider has it.")).to_be_visible()
    [caught] = [one for one in inbox(watched) if one["subject"] == "With files"]
    assert [(file["filename"], file["content_type"], file["size_bytes"]) for file in caught["attachments"]] == [
        ("<b>invoice</b>.pdf", "application/pdf", 2048),
        ("note.txt", "text/plain", 2),
    ]


def test_what_is_missing_is_said_at_its_field_before_anything_is_sent(watched):
    page = watched.goto("send")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_label("From", exact=True)).to_be_focused()
    expect(page.get_by_label("From", exact=True)).to_have_accessible_description("Say whom the mail is from.")
    expect(page.locator("#subject")).to_have_attribute("aria-invalid", "true")
    assert not [address for address in watched.asked if address.endswith("/v1/emails")]


def test_what_the_api_refuses_is_said_at_the_field_that_it_names(watched):
    page = watched.goto("send")
    fill_form(page, "Hello")
    page.locator("#email-1").fill("bob@-")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.locator("#email-1")).to_be_focused()
    expect(page.locator("#email-1-fault")).not_to_be_empty()
    expect(page.get_by_role("alert")).to_contain_text("validation_failed")
    expect(page.get_by_role("alert")).to_contain_text("How to mend it")


def test_a_mail_that_waits_can_be_cancelled(watched):
    page = watched.goto("send")
    fill_form(page, "Not yet")
    page.get_by_text("Tags, route, time and idempotency key").click()
    page.get_by_label("Not before").fill("2099-01-01T09:00")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("send_at")
    ahead = page.evaluate("new Date(Date.now() + 86400000).toISOString().slice(0, 16)")
    page.get_by_label("Not before").fill(ahead)
    page.get_by_role("button", name="Send", exact=True).click()
    page.locator(".answer").get_by_role("link", name="em_").click()  # the refusal before it had a link, too
    page.get_by_role("button", name="Cancel the mail").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("“Not yet” will not be handed to any provider for its 1 recipient")
    dialog.get_by_label("Why (optional)").fill("the price was wrong")
    dialog.get_by_role("button", name="Cancel the mail").click()
    expect(page.locator(".standing")).to_contain_text("cancelled")
    expect(page.get_by_role("list", name="Its story")).to_contain_text("By local. The price was wrong.")


def test_another_account_is_made_the_default_after_it_was_said_what_changes(watched):
    page = watched.goto("providers")
    page.get_by_role("button", name="Let it go first: sendgrid").click()
    dialog = page.get_by_role("dialog", name="Let it go first: sendgrid?")
    expect(dialog).to_contain_text("New mail of the route default will go to sendgrid first")
    expect(dialog).to_contain_text("Nowmailgun, sendgridThensendgrid, mailgun")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    assert default(watched) == "mailgun"
    page.get_by_role("button", name="Let it go first: sendgrid").click()
    dialog.get_by_role("button", name="Let it go first").click()
    expect(page.locator(".route li").first).to_contain_text("sendgrid")
    assert default(watched) == "sendgrid"
    watched.goto("events")
    expect(page.get_by_text("route.default_changed")).to_be_visible()
    watched.goto("providers")
    page.get_by_role("button", name="Let it go first: mailgun").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Let it go first").click()
    expect(page.locator(".route li").first).to_contain_text("mailgun")


def default(watched):
    return watched.page.request.get(f"{watched.base}/getEmailProvider").json()["provider"]


def test_a_change_that_somebody_else_has_made_meanwhile_is_not_undone(watched):
    page = watched.goto("providers")
    page.get_by_role("button", name="Pause: mailgun").click()
    route = page.request.get(f"{watched.base}/v1/routes/default").json()
    page.request.put(f"{watched.base}/v1/routes/default", data=json.dumps(route | {"resolve_within_s": 60}))
    page.get_by_role("dialog").get_by_role("button", name="Pause").click()
    expect(page.get_by_role("alert")).to_contain_text("version_conflict")
    now = page.request.get(f"{watched.base}/v1/routes/default").json()
    assert [one["paused"] for one in now["accounts"]] == [False, False]


def test_filters_stand_in_the_address_but_nobody_does(watched, browser):
    send(watched, "Filtered")
    page = watched.goto("messages")
    page.get_by_label("Recipient").fill("BOB@example.org")
    page.get_by_label("State").select_option("sent")
    expect(page).to_have_url(re.compile(r"/#/messages\?state=sent&recipient=[0-9a-z]+$"))
    expect(page.get_by_text("Filtered").first).to_be_visible()
    page.get_by_label("State").select_option("held")
    expect(page.get_by_text("No mail is like that.")).to_be_visible()
    page.go_back()
    expect(page.get_by_label("State")).to_have_value("sent")
    expect(page.get_by_label("Recipient")).to_have_value("BOB@example.org")
    expect(page.get_by_text("Filtered").first).to_be_visible()


def test_a_filter_that_the_api_does_not_know_is_told_in_words(watched):
    page = watched.goto("messages?state=nonsense")
    expect(page.get_by_role("alert")).to_contain_text("filter.state must be one of")


def test_the_audit_trail_starts_at_its_end_follows_and_goes_back_to_its_beginning(watched):
    for number in range(80):
        mail = {"from": "ann@example.com", "to": ["bob@example.org"], "subject": f"Trail {number}", "text": "x"}
        answer = watched.page.request.post(f"{watched.base}/v1/emails", data=json.dumps(mail))
    newest = answer.json()["id"]
    page = watched.goto("events")
    rows = page.get_by_role("list", name="Events").locator("> li")
    expect(page.get_by_role("link", name=newest).first).to_be_visible()
    late = watched.page.request.post(f"{watched.base}/v1/emails", data=json.dumps(mail)).json()["id"]
    expect(rows.first.get_by_role("link", name=late)).to_be_visible()
    button = page.locator(".pages button")
    while button.inner_text() != "This is the beginning":
        button.click()
        expect(page.locator(".pages button:enabled, .pages button:text('This is the beginning')")).to_be_visible()

    def is_whole():
        trail = page.request.get(f"{watched.base}/v1/events?limit=1000").json()["data"]
        told = [event["type"].removeprefix("dev.everpost.") for event in trail]
        return rows.locator(".row-type").all_inner_texts()[::-1] == told

    until(is_whole)  # of the last mails, there is news yet


def test_everything_can_be_reached_by_keyboard_alone(watched):
    send(watched, "By keyboard")
    page = watched.goto("messages")
    expect(page.get_by_text("By keyboard")).to_be_visible()
    page.locator("body").press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="By keyboard")).to_be_visible()
    for keys, title in (("gs", "Send a mail"), ("gp", "Providers"), ("ge", "Events"), ("gm", "Messages")):
        page.locator("h1").press(keys[0])
        page.keyboard.press(keys[1])
        expect(page.get_by_role("heading", name=title, level=1)).to_be_focused()
    page.keyboard.press("/")
    expect(page.get_by_label("State")).to_be_focused()


def test_who_types_faster_than_a_view_is_fetched_gets_to_its_first_filter(watched):
    page, held = watched.page, []
    page.route("**/messages.js", lambda route: held.append(route))  # noqa: PLW0108  a method can't listen
    watched.goto("send")
    expect(page.get_by_label("Subject")).to_be_visible()
    page.locator("h1").press("g")
    page.keyboard.press("m")
    expect(page.get_by_role("heading", name="Messages", level=1)).to_be_focused()
    page.keyboard.press("/")
    until(lambda: page.evaluate("true") and held)
    held[0].continue_()
    expect(page.get_by_label("State")).to_be_focused()
