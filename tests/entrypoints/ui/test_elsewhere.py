"""The same files on another web server, with the API's address in config.json."""

import json
import shutil

import pytest
from playwright.sync_api import expect

from page_kit import FOLDER, serve, static_host, tab

pytestmark = pytest.mark.slow


@pytest.fixture
def copied(tmp_path):
    return shutil.copytree(FOLDER, tmp_path / "site")


def configure(folder, address):
    (folder / "config.json").write_text(json.dumps({"api": address}))


def entered(page, key):
    page.get_by_label("API key").fill(key)
    page.get_by_role("button", name="Use this key").click()


def test_the_page_works_from_another_origin_and_calls_nobody_but_the_api(browser, copied, tmp_path):
    with static_host(copied) as origin, serve(tmp_path, origin) as served, tab(browser, origin) as watched:
        api = f"http://127.0.0.1:{served.port}"
        configure(copied, api)
        page = watched.goto("send")
        entered(page, served.token())
        expect(page.get_by_label("The request")).to_contain_text(f"{api}/v1/emails")
        page.get_by_label("From", exact=True).fill("ann@example.com")
        page.locator("#email-1").fill("bob@example.org")
        page.get_by_label("Subject").fill("From elsewhere")
        page.get_by_label("Text", exact=True).fill("x")
        page.get_by_role("button", name="Send", exact=True).click()
        expect(page.get_by_role("list", name="Its story").get_by_text("Attempt 1: mailgun")).to_be_visible()
        watched.goto("providers")
        page.get_by_role("button", name="Let it go first: sendgrid").click()
        page.get_by_role("dialog").get_by_role("button", name="Let it go first").click()
        expect(page.locator(".route li").first).to_contain_text("sendgrid")
        watched.goto("messages")
        expect(page.get_by_text("From elsewhere")).to_be_visible()
        watched.goto("events")
        expect(page.get_by_text("route.default_changed")).to_be_visible()
        assert watched.origins == {origin, api}
        assert watched.broken == watched.stopped == []
        assert (
            page.evaluate(f"fetch('http://127.0.0.1:{served.ports['control']}/').catch(() => 'stopped')") == "stopped"
        )
        assert watched.stopped


def test_an_origin_that_is_not_listed_is_told_what_to_do(browser, copied, tmp_path):
    with (
        static_host(copied) as origin,
        serve(tmp_path, "https://page.example.com") as served,
        tab(browser, origin) as watched,
    ):
        configure(copied, f"http://127.0.0.1:{served.port}")
        page = watched.goto("messages")
        expect(page.get_by_role("alert")).to_contain_text("The API does not answer")
        expect(page.get_by_role("alert")).to_contain_text("http.page_origins")


def test_a_page_whose_server_went_away_says_so_and_goes_on_when_it_is_back(browser, copied, tmp_path):
    with static_host(copied) as origin, tab(browser, origin) as watched:
        with serve(tmp_path, origin) as served:
            configure(copied, f"http://127.0.0.1:{served.port}")
            page = watched.goto("providers")
            entered(page, served.token())
            expect(page.get_by_role("heading", name="mailgun")).to_be_visible()
        expect(page.get_by_role("alert")).to_contain_text("The API does not answer")
        expect(page.get_by_role("heading", name="mailgun")).to_be_visible()


def test_a_config_that_names_no_api_is_told(browser, copied):
    with static_host(copied) as origin, tab(browser, origin) as watched:
        configure(copied, origin)
        page = watched.goto("messages")
        expect(page.get_by_role("alert")).to_contain_text("http_501")
