"""The API key: asked for where one is needed, kept in the tab alone, sent to the API alone."""

import pytest
from playwright.sync_api import expect

from page_kit import tab

pytestmark = pytest.mark.slow


def enter(page, key):
    page.get_by_label("API key").fill(key)
    page.get_by_role("button", name="Use this key").click()


def test_a_key_is_asked_for_used_and_forgotten(browser, house):
    with tab(browser, f"http://127.0.0.1:{house.port}") as watched:
        page = watched.goto("providers")
        expect(page.get_by_role("heading", name="An API key is needed")).to_be_visible()
        enter(page, "evp_wrong")
        expect(page.get_by_text("The last one was not taken: This API key is unknown or revoked.")).to_be_visible()
        enter(page, house.token())
        expect(page.get_by_role("heading", name="mailgun")).to_be_visible()
        page.reload()
        expect(page.get_by_role("heading", name="mailgun")).to_be_visible()
        assert page.evaluate("Object.values(localStorage)") == []  # which would outlive the tab
        page.get_by_role("button", name="Forget key").click()
        expect(page.get_by_role("heading", name="An API key is needed")).to_be_visible()
        assert house.token() not in page.evaluate("JSON.stringify(sessionStorage)")
        assert watched.broken == watched.stopped == []


def test_the_key_is_in_no_address_no_cookie_no_lasting_storage_and_no_snippet(keyed, house):
    page = keyed.goto("send")
    expect(page.get_by_label("The request")).to_contain_text("$EVERPOST_KEY")
    for language in ("curl", "Python", "Node"):
        page.get_by_text(language, exact=True).click()
        expect(page.get_by_label("The request")).not_to_contain_text(house.token())
    expect(page.get_by_role("option", name="default: mailgun, sendgrid")).to_have_count(1)
    assert house.token() not in page.content()
    assert not [address for address in keyed.asked if house.token() in address]
    assert page.context.cookies() == []
    assert page.evaluate("Object.values(localStorage)") == []


def test_what_a_key_may_not_do_is_told_with_the_scope_that_is_needed(browser, house):
    with tab(browser, f"http://127.0.0.1:{house.port}") as watched:
        page = watched.goto("providers")
        enter(page, house.token(scope="read"))
        expect(page.get_by_role("heading", name="mailgun")).to_be_visible()
        expect(page.get_by_role("button", name="Pause: mailgun")).to_have_count(0)
        watched.goto("keys")
        expect(page.get_by_text("Your key has the scope read, which is not enough for this.")).to_be_visible()
