"""What webhooks have missed is asked for by the function that a clock calls, since no process stays to do it."""

from pathlib import Path

import pytest

from lambda_house import NATIVE, read
from lambda_kit import CLOCK_EVENT, http_event, queue_event

pytestmark = pytest.mark.slow
MAIL = NATIVE | {"to": ["bounce@example.org"]}


@pytest.fixture
def asking(house):
    """An installation that asks Mailgun each minute."""
    file = Path(house.environ["EVERPOST_CONFIG"])
    text = file.read_text()
    asked = text.replace('provider = "mailgun"', 'provider = "mailgun"\nbackfill_every_s = 60', 1)
    assert asked != text
    file.write_text(asked)
    return house


async def test_the_clock_brings_what_webhooks_missed_and_a_message_of_the_queue_does_not(asking):
    api, deliver = await asking.start("api"), await asking.start("deliver")
    event = asking.asked("POST", "/v1/emails", MAIL, make=http_event, headers={"prefer": "wait=5"})
    id_ = read(await api.invoke(event))[1]["id"]

    async def state():
        shown = read(await api.invoke(asking.asked("GET", f"/v1/emails/{id_}", make=http_event)))[1]
        return shown["recipients"][0]["state"]

    await deliver.invoke(queue_event("one"), 60)
    assert await state() == "sent"
    await deliver.invoke(CLOCK_EVENT, 60)
    assert await state() == "bounced"
