"""The function that providers call, under Lambda's own runtime client."""

import time

import pytest

from hook_values import mailgun_event, mailgun_request
from lambda_house import NATIVE, encoded, read
from lambda_kit import http_event, rest_event

pytestmark = pytest.mark.slow


def called(body, make=http_event, method="POST", path="/hooks/mailgun"):
    return make(method, path, body, headers={"content-type": "application/json"})


def bounce(delivery, key="mailgun-signing-key-4711"):
    """Mailgun's, signed now."""
    event = mailgun_event(
        "failed",
        severity="permanent",
        timestamp=time.time(),
        **{"user-variables": {"everpost_id": delivery}, "delivery-status": {"code": 550, "enhanced-code": "5.1.1"}},
    )
    return mailgun_request(event, at=time.time(), key=key).body.decode()


async def mailed(house):
    """A mail that Mailgun has."""
    api = await house.start("api")
    asked = house.asked("POST", "/v1/emails", NATIVE, make=http_event, headers={"prefer": "wait=5"})
    return api, read(await api.invoke(asked))[1]["id"]


@pytest.mark.parametrize("make", [rest_event, http_event])
async def test_a_genuine_event_is_joined_and_suppresses(house, make):
    api, id_ = await mailed(house)
    hooks = await house.start("hooks")
    result = await hooks.invoke(called(bounce(f"{id_}.0"), make))
    assert (result["statusCode"], result["body"]) == (200, "")
    mail = read(await api.invoke(house.asked("GET", f"/v1/emails/{id_}", make=http_event)))[1]
    assert mail["recipients"][0]["state"] == "bounced"
    path = "/v1/suppressions/bob@example.org"
    assert read(await api.invoke(house.asked("GET", path, make=http_event)))[0] == 200


async def test_a_body_may_come_in_base64(house):
    hooks = await house.start("hooks")
    assert (await hooks.invoke(encoded(called(bounce("em_x.0")))))["statusCode"] == 200


async def test_what_is_refused_has_the_status_of_the_server(house):
    hooks = await house.start("hooks")
    forged = await hooks.invoke(called(bounce("em_x.0", key="another")))
    assert (read(forged)[0], read(forged)[1]["code"]) == (403, "webhook_refused")
    assert read(await hooks.invoke(called(bounce("em_x.0"), path="/hooks/nobody")))[0] == 404
    assert read(await hooks.invoke(called(None, method="GET")))[0] == 405
    without_secret = read(await hooks.invoke(called("[]", path="/hooks/sendgrid")))
    assert (without_secret[0], "webhook_secret is not set" in without_secret[1]["detail"]) == (403, True)


async def test_it_serves_nothing_else(house):
    hooks = await house.start("hooks")
    assert read(await hooks.invoke(house.asked("GET", "/v1/emails", make=http_event)))[0] == 404


async def test_what_it_took_and_refused_is_told_as_figures(house):
    hooks = await house.start("hooks")
    await hooks.invoke(called(bounce("em_x.0")))
    await hooks.invoke(called(bounce("em_x.0", key="another")))
    told = [
        (line["Result"], line.get("Account"), line["Webhooks"])
        for line in hooks.lines
        if isinstance(line, dict) and "Webhooks" in line
    ]
    assert told == [("taken", "mailgun", 1), ("taken", None, 1), ("forged", "mailgun", 1), ("forged", None, 1)]
