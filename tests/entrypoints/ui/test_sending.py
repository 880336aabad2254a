"""The form holds all that a mail of the API can have, and tells programs how to send the same."""

import os
import re
import subprocess

import pytest
from playwright.sync_api import expect

from attacks.house import until
from everpost.model.capability import UNSEEN, Loss
from system_parts import program

pytestmark = pytest.mark.slow
FILES = {'it\'s a "note" $HOME `x`.txt': b"hi\n", "large.bin": bytes(range(256)) * 1024}
USUAL = UNSEEN - {Loss.METADATA}
LANGUAGES = {
    "curl": ("curl", ("sh", "-c")),
    "Python": ("python3", ("python3", "-c")),
    "Node": ("node", ("node", "--input-type=module", "--eval")),
}


def fill_all(page, subject):
    """Every field, with what programs have to quote."""
    page.get_by_label("From", exact=True).fill("ann@example.com")
    page.locator("#from-name").fill("Ann")
    people = [("to", "bob@example.org", "Bob, the builder"), ("to", "carol@example.org", 'Carol "C"')]
    people += [("cc", "dan@example.org", ""), ("bcc", "eve@example.org", ""), ("reply_to", "help@example.com", "Help")]
    for number, (kind, email, name) in enumerate(people, 1):
        if number > 1:
            page.get_by_role("button", name="Add a recipient").click()
        page.locator(f"#kind-{number}").select_option(kind)
        page.locator(f"#email-{number}").fill(email)
        page.locator(f"#name-{number}").fill(name)
    page.get_by_label("Subject").fill(subject)
    page.get_by_label("Text", exact=True).fill('It\'s "quoted"\n\\ $HOME `x` JSON\nJSON\n')
    page.get_by_label("HTML (optional)").fill("<p>It's <b>bold</b></p>")
    page.get_by_text("Tags, route, time and idempotency key").click()
    page.get_by_label("Tags").fill("greeting, eu")
    page.get_by_label("When nobody can tell").select_option("hold")
    ahead = page.evaluate("new Date(Date.now() + 172800000).toISOString().slice(0, 16)")
    page.get_by_label("Not after").fill(ahead)
    page.get_by_label("What it may lose on the way").select_option("these")
    page.get_by_label("letters of file names").check()
    page.get_by_label("metadata", exact=True).uncheck()
    page.get_by_text("Headers and metadata").click()
    for group, name, value in (("Headers", "X-Campaign", "It's $1"), ("Metadata", "order", "4711 `x`")):
        fields = page.get_by_role("group", name=group)
        fields.get_by_role("button", name="Add").click()
        expect(fields.get_by_label("Name")).to_be_focused()
        fields.get_by_label("Name").fill(name)
        fields.get_by_label("Value").fill(value)


def attach(page):
    given = [{"name": name, "mimeType": "text/plain", "buffer": content} for name, content in FILES.items()]
    page.get_by_label("Attachments").set_input_files(given)
    expect(page.locator(".files li")).to_have_count(len(FILES))


def run(snippet, language, folder, **environment):
    needed, words = LANGUAGES[language]
    program(needed)
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    told = {**os.environ, **environment}
    return subprocess.run(
        (*words, snippet), cwd=folder, env=told, capture_output=True, text=True, timeout=60, check=True
    )


def test_all_that_stands_in_the_form_goes_with_the_mail(watched):
    page = watched.goto("send")
    fill_all(page, "With everything")
    attach(page)
    with page.expect_request("**/v1/emails") as asked:
        page.get_by_role("button", name="Send", exact=True).click()
    assert asked.value.post_data_json["reply_to"] == [{"email": "help@example.com", "name": "Help"}]
    assert asked.value.post_data_json["allow_loss"] == [*(loss for loss in Loss if loss in USUAL), Loss.FILE_NAMES]
    expect(page.get_by_role("list", name="Its story").get_by_text("The provider has it.")).to_be_visible()
    id_ = page.locator(".answer a").first.inner_text()
    mail = page.request.get(f"{watched.base}/v1/emails/{id_}").json()
    assert (mail["tags"], mail["metadata"]) == (["greeting", "eu"], {"order": "4711 `x`"})
    assert [(one["kind"], one["email"], one.get("name") or "") for one in mail["recipients"]] == [
        ("to", "bob@example.org", "Bob, the builder"),
        ("to", "carol@example.org", 'Carol "C"'),
        ("cc", "dan@example.org", ""),
        ("bcc", "eve@example.org", ""),
    ]
    [newest, *_] = page.request.get(f"{watched.base}/v1/inbox").json()["data"]
    caught = page.request.get(f"{watched.base}/v1/inbox/{newest['id']}").json()
    assert caught["subject"] == "With everything"
    assert {file["filename"] for file in caught["attachments"]} == FILES.keys()
    assert caught["headers"]["X-Campaign"] == "It's $1"


@pytest.mark.parametrize(("says", "sent"), [("", None), ("none", [])])
def test_what_a_mail_may_lose_is_said_only_by_whoever_says_it(watched, says, sent):
    page = watched.goto("send")
    page.get_by_text("Tags, route, time and idempotency key").click()
    boxes = page.get_by_role("group", name="It may lose")
    page.get_by_label("What it may lose on the way").select_option("these")
    assert boxes.get_by_role("checkbox").evaluate_all("all => all.map((box) => box.value)") == [*Loss]
    assert boxes.get_by_role("checkbox", checked=True).evaluate_all("all => all.map((box) => box.value)") == [
        loss for loss in Loss if loss in UNSEEN
    ]
    page.get_by_label("What it may lose on the way").select_option(says)
    expect(boxes).to_have_count(0)
    told = page.get_by_label("The request")
    expect(told).to_contain_text('"allow_loss": []') if sent == [] else expect(told).not_to_contain_text("allow_loss")


OWN = ("id", "received_at", "delivery_id", "provider_message_id")


def caught(page, watched, subject):
    """What a provider was given under this subject, without what is of each mail alone."""
    found = [one for one in page.request.get(f"{watched.base}/v1/inbox").json()["data"] if one["subject"] == subject]
    whole = [page.request.get(f"{watched.base}/v1/inbox/{one['id']}").json() for one in found]
    return [{name: value for name, value in one.items() if name not in OWN} for one in whole]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_snippet_sends_the_same_mail(watched, language, tmp_path):
    page = watched.goto("send")
    fill_all(page, f"From {language}")
    attach(page)
    page.get_by_text(language, exact=True).click()
    done = run(page.get_by_label("The request").inner_text(), language, tmp_path)
    assert "queued" in done.stdout
    page.get_by_role("button", name="Make a new key").click()
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_role("list", name="Its story").get_by_text("The provider has it.")).to_be_visible()
    until(lambda: len(caught(page, watched, f"From {language}")) == 2)
    by_program, by_form = caught(page, watched, f"From {language}")
    assert by_program == by_form


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_snippet_takes_the_key_from_the_environment_and_is_one_mail_however_often_it_runs(
    keyed, house, language, tmp_path
):
    page = keyed.goto("send")
    page.get_by_label("From", exact=True).fill("ann@example.com")
    page.locator("#email-1").fill("bob@example.org")
    page.get_by_label("Subject").fill(f"It's $HOME `x` \\ by {language}")
    page.get_by_label("Text", exact=True).fill("x")
    page.get_by_text(language, exact=True).click()
    snippet = page.get_by_label("The request").inner_text()
    done = [run(snippet, language, tmp_path, EVERPOST_KEY=house.token()) for _ in range(2)]
    ids = {re.search(r"em_\w+", each.stdout).group() for each in done}
    assert len(ids) == 1
    keyed.goto("messages")
    expect(page.get_by_text(f"It's $HOME `x` \\ by {language}")).to_be_visible()


def test_files_can_be_chosen_by_keyboard(watched):
    watched.page.on("filechooser", lambda _: None)  # else the browser may hear of the wait only after the key
    page = watched.goto("send")
    page.get_by_label("Attachments").focus()
    with page.expect_file_chooser() as chosen:
        page.keyboard.press("Enter")
    chosen.value.set_files([{"name": "note.txt", "mimeType": "text/plain", "buffer": b"hi"}])
    expect(page.locator(".files li")).to_contain_text(["note.txt2 bytes"])
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Remove note.txt")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".files li")).to_have_count(0)


def test_files_that_are_too_large_are_told_before_they_are_sent(watched):
    page = watched.goto("send")
    made = "(size) => { const all = new DataTransfer(); all.items.add(new File([new Uint8Array(size)], 'large.bin'));"
    dropped = page.evaluate_handle(made + " return all; }", 25 * 1024 * 1024 + 1)
    page.dispatch_event(".drop", "drop", {"dataTransfer": dropped})
    expect(page.locator(".files li")).to_contain_text(["large.bin"])
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.locator("#attachments-fault")).to_contain_text("more than 25 MiB")


def test_a_header_that_the_api_refuses_is_marked_at_its_row(watched):
    page = watched.goto("send")
    fill_all(page, "Refused")
    page.get_by_role("group", name="Headers").get_by_label("Name").fill("Subject")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_role("group", name="Headers").get_by_label("Name")).to_be_focused()
    expect(page.locator("#header-name-1-fault")).not_to_be_empty()


def test_a_name_that_stands_twice_is_told_at_its_second_row(watched):
    page = watched.goto("send")
    fill_all(page, "Twice")
    fields = page.get_by_role("group", name="Metadata")
    fields.get_by_role("button", name="Add").click()
    fields.get_by_label("Name").nth(1).fill("order")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.locator("#metadata-name-2-fault")).to_have_text("There is a row order already.")


def test_a_key_that_may_not_send_is_told_so_in_place_of_the_form(keyed, house):
    keyed.page.add_init_script(f"sessionStorage.setItem('everpost.key', {house.token(scope='read')!r})")
    page = keyed.goto("send")
    expect(page.get_by_text("Your key has the scope read, which is not enough for this.")).to_be_visible()
    expect(page.get_by_label("Subject")).to_have_count(0)
    page.get_by_label("API key").fill(house.token())
    page.get_by_role("button", name="Use this key").click()
    expect(page.get_by_label("Subject")).to_be_visible()
