"""A person runs the drill, watches it, and saves its report."""

import json

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.slow
BRIEF = json.dumps({"part_s": 0.3, "per_s": 20})


def shortened(route):
    route.continue_(post_data=BRIEF) if route.request.method == "POST" else route.continue_()


def test_the_drill_is_run_and_watched_and_its_report_saved(watched):
    page = watched.page
    page.route("**/v1/sandbox/drill", shortened)
    watched.goto("sandbox")
    drill = page.get_by_role("region", name="Drill")
    expect(drill.get_by_role("button", name="Save the report")).to_be_hidden()
    drill.get_by_role("button", name="Run the drill").click()
    expect(drill.get_by_text("passed", exact=True)).to_be_visible(timeout=60_000)
    expect(drill.locator(".verdict")).to_contain_text("all of them handed over, each of them once")
    expect(drill.locator(".numbers")).to_contain_text("Lost0Sent twice0")
    expect(drill.get_by_role("row")).to_contain_text(["mailgun …", "works", "refuses connections", "works again"])
    for chart in drill.get_by_role("img").all():
        expect(chart).not_to_have_js_property("naturalWidth", 0)
    with page.expect_download() as saved:
        drill.get_by_role("button", name="Save the report").click()
    assert saved.value.suggested_filename == "everpost-drill.html"
    assert "each of them once" in saved.value.path().read_text()
    watched.asked[:] = [address for address in watched.asked if not address.startswith("blob:")]


def test_a_drill_that_is_stopped_leaves_the_provider_well(watched):
    page = watched.goto("sandbox")
    drill = page.get_by_role("region", name="Drill")
    drill.get_by_role("button", name="Run the drill").click()
    drill.get_by_role("button", name="Stop it").click()
    expect(drill.get_by_text("stopped", exact=True)).to_be_visible()
    expect(page.get_by_role("region", name="mailgun", exact=True)).to_contain_text("well")
