"""The figures over time, as somebody on call looks at them."""

import re

import pytest
from playwright.sync_api import expect

from attacks.house import until

pytestmark = pytest.mark.slow
MAIL = {"from": "Ann <ann@example.com>", "to": ["Bob <bob@example.org>"], "subject": "Hello", "text": "x"}
WAIT = [("Prefer", "wait=10")]


def chart(page, title):
    return page.get_by_role("figure", name=title)


def tile(page, name):
    return page.locator(".tile", has=page.get_by_text(name, exact=True)).locator("dd")


@pytest.fixture(scope="module")
def broken(house):
    """A mail by the first account, and three when it was broken."""
    house.ask("POST", "/v1/emails", MAIL, WAIT)
    house.control("PUT", "mailgun/faults", {"kind": "status", "status": 401})
    for _ in range(3):
        house.ask("POST", "/v1/emails", MAIL, WAIT)
    until(lambda: sum(house.ask("GET", "/v1/series").json["totals"]["sent"]) == 4)
    return house


def test_the_page_opens_on_it_and_without_any_mail_it_says_so(watched):
    page = watched.goto("")
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
    mail = chart(page, "Mail taken, by account")
    expect(mail.get_by_text("No account took a mail within 1 hour.").first).to_be_visible()
    expect(tile(page, "Accepted")).to_contain_text("0")
    expect(tile(page, "Longest wait")).to_contain_text("none")


def test_a_failover_is_marked_where_it_happened_above_what_each_account_took(keyed, broken):
    page = keyed.goto("overview")
    mail = chart(page, "Mail taken, by account")
    expect(mail.locator(".legend li")).to_have_text(["mailgun", "sendgrid"])
    expect(tile(page, "Accepted")).to_contain_text("4")
    expect(tile(page, "Failovers")).to_contain_text("1")
    expect(mail.locator(".mark-head").first).to_be_attached()
    mail.get_by_text("As a table").click()
    table = mail.get_by_role("table")
    expect(table.get_by_role("columnheader")).to_have_text(["Time", "mailgun", "sendgrid", "What happened"])
    expect(table).to_contain_text("failover of 1 attempt from mailgun to sendgrid")
    expect(table).to_contain_text("mailgun takes no more mail")
    rows = [row.split("\t") for row in table.locator("tbody").inner_text().splitlines()]
    assert [sum(int(row[column]) for row in rows) for column in (1, 2)] == [1, 3]
    failures = chart(page, "Failures, by kind")
    expect(failures.locator(".legend li")).to_have_text(["refused"])
    expect(page.get_by_role("region", name="Accounts").get_by_role("row", name=re.compile("^mailgun"))).to_contain_text(
        "50 %"
    )


def test_a_moment_is_read_by_keyboard_and_by_pointer(keyed, broken):
    page = keyed.goto("overview?range=15m")
    mail = chart(page, "Mail taken, by account")
    moment = mail.get_by_role("slider", name="Mail taken, by account: a moment")
    expect(mail.locator(".mark-head").first).to_be_attached()
    moment.focus()
    moment.press("End")
    for _ in range(14):
        if "sendgrid" in moment.get_attribute("aria-valuetext"):
            break
        moment.press("ArrowLeft")
    expect(mail.locator(".readout")).to_have_text(moment.get_attribute("aria-valuetext"))
    expect(mail.locator(".readout")).to_contain_text("sendgrid")
    moment.press("Home")
    expect(mail.locator(".readout")).to_contain_text("nothing")
    box = mail.locator(".plot").bounding_box()
    page.locator("h1").focus()
    page.mouse.move(box["x"] + box["width"] - 3, box["y"] + 60)
    expect(mail.locator(".readout")).to_contain_text(re.compile(r"\d\d:\d\d: "))
    page.mouse.move(0, 0)
    expect(mail.locator(".readout")).to_have_text("Point at the chart, or use the arrow keys, to read a moment.")


def test_how_far_back_stands_in_the_address(keyed, broken):
    page = keyed.goto("overview")
    ranges = page.get_by_role("navigation", name="How far back")
    expect(ranges.locator("[aria-current]")).to_have_text("1h")
    for name, words in (("15m", "15 minutes"), ("30d", "30 days")):
        ranges.get_by_role("link", name=f"The last {words}").click()
        expect(page).to_have_url(f"{keyed.base}/#/overview?range={name}")
        expect(ranges.locator("[aria-current]")).to_have_text(name)
        expect(tile(page, "Accepted")).to_contain_text("4")
        assert f"{keyed.base}/v1/series?range={name}" in keyed.asked
    page.go_back()
    expect(ranges.locator("[aria-current]")).to_have_text("15m")
