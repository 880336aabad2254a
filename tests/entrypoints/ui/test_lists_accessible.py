"""axe finds no barrier in suppressions, events, webhooks and keys, in either colour scheme, at a desk or on a phone."""

import pytest
from playwright.sync_api import expect

from entrypoints.ui.test_accessible import has_no_barrier
from page_kit import DESKTOP, PHONE, tab

pytestmark = pytest.mark.slow
HOOK = "https://hooks.example.com/everpost/with/a/long/path?and=a-query-that-goes-on-and-on"


@pytest.fixture(scope="module")
def filled(house):
    """Something in each list; a webhook that nothing can be posted to."""
    house.ask("POST", "/v1/suppressions/import", {"csv": "a-rather-long-address@mail.example.org,asked by phone\n"})
    webhook = house.ask("POST", "/v1/webhooks", {"url": HOOK, "description": "the shop", "events": ["email.sent"]}).json
    house.ask("POST", f"/v1/webhooks/{webhook['id']}/test")
    key = house.ask("POST", "/v1/keys", {"scope": "read", "name": "the laptop of a person with a long name"}).json
    house.ask("DELETE", f"/v1/keys/{key['id']}")
    return webhook["id"]


@pytest.fixture(params=[(scheme, size) for size in (DESKTOP, PHONE) for scheme in ("light", "dark")], ids=str)
def shown(browser, house, filled, request):
    scheme, size = request.param
    with tab(browser, f"http://127.0.0.1:{house.port}", color_scheme=scheme, viewport=size) as watched:
        watched.page.add_init_script(f"sessionStorage.setItem('everpost.key', {house.token()!r})")
        yield watched
        assert watched.broken == []


def test_suppressions_and_what_is_wrong_with_a_list(shown):
    page = shown.goto("suppressions")
    expect(page.get_by_role("list").get_by_text("asked by phone")).to_be_visible()
    has_no_barrier(page)
    page.get_by_role("button", name="Suppress").click()
    page.get_by_text("Import a list").click()
    page.get_by_label("Or its lines, pasted here").fill("nobody\nbob@example.org\n")
    page.get_by_role("button", name="Look at it").click()
    expect(page.get_by_text("line 1")).to_be_visible()
    has_no_barrier(page)
    page.get_by_role("button", name="Remove a-rather-long-address@mail.example.org").click()
    has_no_barrier(page)


def test_events_that_are_filtered(shown):
    page = shown.goto("events?type=key.created&since=2020-01-31T09:00:00.000Z")
    expect(page.get_by_text("key.created").last).to_be_visible()
    has_no_barrier(page)
    shown.goto("events?account=nobody")
    expect(page.get_by_text("No event is like that, as far as was looked.")).to_be_visible()
    has_no_barrier(page)


def test_webhooks(shown, filled):
    page = shown.goto("webhooks")
    page.get_by_text("Only some events").click()
    expect(page.get_by_role("link", name=HOOK)).to_be_visible()
    has_no_barrier(page)
    page.get_by_role("button", name="Make the webhook").click()
    expect(page.get_by_label("Where to post")).to_have_attribute("aria-invalid", "true")
    has_no_barrier(page)
    shown.goto(f"webhooks/{filled}")
    page.get_by_text("Change it", exact=True).first.click()
    page.get_by_role("button", name="New secret").click()
    has_no_barrier(page)
    page.get_by_role("dialog").get_by_role("button", name="New secret").click()
    expect(page.get_by_role("heading", name="Its new secret")).to_be_visible()
    has_no_barrier(page)


def test_keys(shown):
    page = shown.goto("keys")
    expect(page.get_by_text("revoked").first).to_be_visible()
    has_no_barrier(page)
    page.get_by_role("button", name="Make the key").click()
    expect(page.get_by_role("heading", name="The new key")).to_be_visible()
    has_no_barrier(page)
    page.get_by_role("button", name="Revoke").first.click()
    has_no_barrier(page)
