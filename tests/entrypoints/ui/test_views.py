"""Every view, as the page's own table lists them: no barriers, and words for having nothing, waiting, and trouble."""

import itertools
import json
from functools import partial

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from attacks.house import until
from page_kit import DESKTOP, PHONE, dev, tab
from page_views import VIEWS, Api, furnished

pytestmark = pytest.mark.slow
STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
RULES = {"runOnly": STANDARDS, "resultTypes": ["violations"]}
PROBLEM = {
    "code": "store_unavailable",
    "title": "The store is unavailable",
    "status": 503,
    "detail": "the disk is full",
}
LOOK_NOW = "dispatchEvent(new Event('online'))"
RESTING = {"send", "suppressions"}  # views that do not look again once they have read what they need
each_view = pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)


@pytest.fixture(scope="module")
def apis(dev_address, house):
    """Those that offer something; each view is shown by the first that can."""
    return [furnished(Api(dev_address)), furnished(Api(f"http://127.0.0.1:{house.port}", house.token()))]


@pytest.fixture(scope="module")
def api_of(apis):
    offered = [api.operations for api in apis]
    return lambda view: next(api for api, operations in zip(apis, offered, strict=True) if view.needs in operations)


def signed_in(watched, api):
    if api.token:
        watched.page.add_init_script(f"sessionStorage.setItem('everpost.key', {api.token!r})")
    return watched


def shown(watched, api, view):
    """The view, when it has read what it shows."""
    page = signed_in(watched, api).goto(api.address(view))
    expect(page.locator("h1")).to_be_visible()
    expect(page.locator("#views [aria-current]")).to_have_count(1)
    watched.settled()
    return page


def barriers(page):
    # The rules of axe are no scripts of the page: Playwright runs them beside it.
    found = Axe().run(page, options=RULES)
    return found.generate_report() if found.violations_count else ""


@each_view
def test_no_view_has_a_barrier_or_is_wider_than_the_screen(browser, api_of, view):
    api = api_of(view)
    with tab(browser, api.base, reduced_motion="reduce") as watched:
        page = shown(watched, api, view)
        expect(page.get_by_role("alert")).to_have_count(0)
        for size, scheme in itertools.product((DESKTOP, PHONE), ("light", "dark")):
            page.set_viewport_size(size)
            page.emulate_media(color_scheme=scheme)
            assert barriers(page) == "", (size, scheme)
            assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), size
        assert watched.foreign == watched.broken == watched.stopped == []
        assert watched.origins == {api.base}


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=str)
def test_the_header_is_one_line_with_all_links_and_a_key(browser, dev_address, size):
    with tab(browser, dev_address, viewport=size) as watched:
        watched.page.add_init_script("sessionStorage.setItem('everpost.key', 'any')")
        page = watched.goto("suppressions")  # the longest word, which stands out when it is chosen
        expect(page.locator("#views a")).to_have_count(sum(not view.of for view in VIEWS))
        expect(page.get_by_role("button", name="Forget key")).to_be_visible()
        assert page.locator(".top").bounding_box()["height"] < 60


@each_view
def test_a_view_says_that_it_waits_what_is_wrong_and_since_when_and_goes_on_by_itself(browser, api_of, view):
    api = api_of(view)
    with tab(browser, api.base, reduced_motion="reduce") as watched:
        page, alert = watched.page, watched.page.get_by_role("alert")
        held = []
        way = [held.append, refuse]  # what is done with requests: first that, then this, then nothing
        page.route("**/v1/**", partial(deal, way))
        signed_in(watched, api).goto(api.address(view))
        expect(page.locator(".reading")).to_have_text("Reading …")
        expect(page.locator("h1")).to_have_text(view.title)
        expect(page.locator("#views [aria-current]")).to_have_count(1)
        assert barriers(page) == ""

        del way[0]
        for route in held:
            refuse(route)
        expect(alert).to_contain_text("The store is unavailable")
        expect(alert).to_contain_text("The disk is full.")
        expect(page.locator(".reading")).to_have_count(0)
        assert barriers(page) == ""

        page.unroute_all()
        looks_until(page, lambda: not alert.count())
        watched.settled()
        if view.name not in RESTING:
            goes_on_without_a_network(page, alert)
        assert watched.broken == []


def test_a_view_is_being_read_until_it_has_something_to_show(watched):
    page, held = watched.page, []
    page.route("**/v1/emails/search", partial(deal, [held.append]))
    watched.goto("messages")
    expect(page.locator("#f-account option")).to_have_count(3)  # other answers are there
    expect(page.locator(".reading")).to_have_text("Reading …")
    until(lambda: page.evaluate("true") and held)
    held[0].continue_()
    expect(page.locator(".reading")).to_have_count(0)
    expect(page.locator(".body :is(.empty, .rows > li) >> visible=true").first).to_be_visible()


def deal(way, route):
    way[0](route)


def refuse(route):
    route.fulfill(status=PROBLEM["status"], content_type="application/problem+json", body=json.dumps(PROBLEM))


def looks_until(page, holds):
    """Who is in the midst of a look does not hear that it is to look now."""
    until(lambda: page.evaluate(LOOK_NOW) and holds())


def goes_on_without_a_network(page, alert):
    before = page.locator(".body").inner_text()[:40]
    page.context.set_offline(True)
    looks_until(page, alert.count)
    expect(alert).to_contain_text("The API does not answer")
    expect(page.locator(".notice")).to_contain_text("What stands below was true at")
    assert page.locator(".body").inner_text()[:40] == before
    page.context.set_offline(False)
    looks_until(page, lambda: not alert.count())


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """A server that nobody has used."""
    with dev(tmp_path_factory.mktemp("bare")) as address:
        yield Api(address)


@each_view
def test_a_view_without_anything_to_show_says_so_in_words(browser, bare, view):
    if view.needs not in bare.operations:
        pytest.skip("what it shows is never missing where it is offered")
    with tab(browser, bare.base) as watched:
        page = watched.goto(f"{view.of}/none" if view.of else view.name)
        expect(page.locator(".reading")).to_have_count(0)
        if view.of:
            expect(page.get_by_role("alert")).to_contain_text("How to mend it")
        else:
            expect(page.locator(".body :is(.empty, .card, .rows > li, form) >> visible=true").first).to_be_visible()
            expect(page.get_by_role("alert")).to_have_count(0)
        assert barriers(page) == ""


@pytest.mark.parametrize("path", ["/docs", "/inbox"])
def test_pages_without_scripts_are_no_wider_than_a_phone(browser, dev_address, path):
    with tab(browser, dev_address, viewport=PHONE) as watched:
        watched.page.goto(f"{dev_address}{path}")
        assert watched.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
