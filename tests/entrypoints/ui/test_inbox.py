"""A person sends a mail and looks at what has arrived: how it looks, its source, its files, what may go wrong."""

import base64

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.slow
PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAEElEQVR4nGP4z8AARAwQCgAf7gP9i18U1AAAAABJRU5ErkJggg=="
HTML = """<style>h1 { color: rgb(1, 2, 3) }</style><h1>Hello</h1><p style="font-size: 31px">Your order</p>
<img id=own src="cid:logo"><img id=far src="http://127.0.0.1:9/far.png"><a href="http://shop.example/">Shop</a>
<script>document.title = "ran"; parent.postMessage("ran", "*")</script>
<img src=x onerror="document.title = 'ran'">"""


def send(watched, **mail):
    mail = {"from": "Ann <ann@example.com>", "to": ["Bob <bob@example.org>"], "subject": "Hello", "text": "x"} | mail
    sent = watched.page.request.post(f"{watched.base}/v1/emails", data=mail, headers={"Prefer": "wait=10"})
    assert sent.json()["state"] == "sent"


def opened(watched, subject):
    page = watched.goto("inbox")
    page.get_by_role("link", name=subject).click()
    expect(page.get_by_role("heading", name=subject, level=1)).to_be_visible()
    return page


def leave_out_the_frame(watched):
    """Its blobs, and what its policy has stopped before it went out: the browser counts both as asked for."""
    watched.asked[:] = [address for address in watched.asked if address.startswith(watched.base)]


def test_a_mail_arrives_while_somebody_looks(watched):
    page = watched.goto("inbox")
    expect(page.get_by_role("link", name="Inbox", exact=True)).to_have_attribute("aria-current", "page")
    send(watched, subject="Live")
    page.get_by_role("link", name="Live").click()
    expect(page.locator(".facts").first).to_contain_text("mailgun")
    page.locator(".facts a").click()
    expect(page.get_by_role("list", name="Its story")).to_contain_text("Attempt 1: mailgun")


def test_its_html_looks_as_it_should_and_runs_and_fetches_nothing(watched):
    picture = {"filename": "logo.png", "content": PICTURE, "content_type": "image/png", "content_id": "logo"}
    send(watched, subject="Styled", html=HTML, attachments=[picture])
    fetched = []
    watched.page.on("request", lambda request: fetched.append(request))  # noqa: PLW0108  a method can't listen
    page = opened(watched, "Styled")
    frame = page.frame_locator(".mail-frame")
    expect(frame.get_by_role("heading", name="Hello")).to_have_css("color", "rgb(1, 2, 3)")
    expect(frame.get_by_text("Your order")).to_have_css("font-size", "31px")
    expect(frame.locator("#own")).to_have_js_property("naturalWidth", 2)
    inner = page.frames[1]
    assert inner.evaluate("[origin, document.title]") == ["null", ""]
    far = [one for one in fetched if one.url.endswith("far.png")]
    assert [one.failure for one in far] == ["csp"] * len(far)
    inner.evaluate("document.querySelector('a').click()")
    watched.until("window.stopped.some((one) => one.startsWith('frame-src'))")
    page.evaluate("window.stopped = []")
    leave_out_the_frame(watched)


def test_its_source_its_headers_and_its_files_can_be_looked_at_and_saved(watched, tmp_path):
    note = {"filename": "<b>note</b>.html", "content": base64.b64encode(b"<script>hi").decode()}
    send(watched, subject="With a file", html="<p>x", headers={"X-Order": "7"}, attachments=[note])
    page = opened(watched, "With a file")
    page.get_by_label("Source").check()
    expect(page.get_by_label("The mail's source")).to_contain_text("Subject: With a file")
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save as mail.eml").click()
    assert b"X-Order: 7" in saved.value.path().read_bytes()
    page.get_by_label("Headers").check()
    expect(page.locator(".preview .facts")).to_contain_text("X-Order")
    page.get_by_label("Files (1)").check()
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save <b>note</b>.html").click()
    assert saved.value.path().read_bytes() == b"<script>hi"
    page.get_by_label("Text", exact=True).check()
    expect(page.get_by_label("The mail's text")).to_have_text("x")
    leave_out_the_frame(watched)


def test_what_may_go_wrong_is_told(watched):
    send(
        watched,
        subject="Careless",
        html='<img src="http://127.0.0.1:9/a.png"><a href="http://evil.example">bank.example</a>',
    )
    page = opened(watched, "Careless")
    told = page.locator(".findings li")
    expect(told).to_contain_text(
        [
            "fault Images have no text",
            "fault Links show another address than theirs",
            "warning Links are not encrypted",
            "warning Images are fetched from elsewhere",
            "warning It has no title",
            "warning It says no language",
        ]
    )
    expect(told.nth(1)).to_contain_text("bank.example leads to evil.example")
    leave_out_the_frame(watched)


def test_one_mail_and_then_all_are_forgotten(watched):
    for subject in ("Oldest of three", "Middle of three"):
        send(watched, subject=subject)
    page = opened(watched, "Oldest of three")
    page.get_by_role("button", name="Forget it").click()
    expect(page.get_by_role("heading", name="Inbox", level=1)).to_be_visible()
    expect(page.get_by_text("Middle of three")).to_be_visible()
    expect(page.get_by_text("Oldest of three")).to_have_count(0)
    page.get_by_role("button", name="Forget all of them").click()
    page.get_by_role("dialog").get_by_role("button", name="Forget them").click()
    expect(page.get_by_text("The sandbox providers have taken no mail yet.")).to_be_visible()


def test_where_there_is_no_sandbox_there_is_no_inbox_and_the_page_says_so(keyed):
    page = keyed.goto("inbox")
    expect(page.get_by_text("there is a sandbox only beside everpost dev")).to_be_visible()
    expect(page.get_by_role("link", name="Messages")).to_be_visible()
    for view in ("Inbox", "Sandbox"):
        expect(page.get_by_role("link", name=view)).to_have_count(0)
