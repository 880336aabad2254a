"""Functions that are killed, frozen or out of time in the middle of a send: one mail, and nothing lost."""

import asyncio

import pytest

from everpost.sandbox.faults import FaultKind, FaultPlan
from lambda_house import NATIVE, ORIGINAL, read
from lambda_kit import CLOCK_EVENT, FunctionFailed, ProcessEnded, queue_event, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

TAKEN_BUT_MUTE = FaultPlan(kind=FaultKind.ACCEPT_HANG, count=1)
NOT_TAKEN_AND_MUTE = FaultPlan(kind=FaultKind.HANG, count=1)
SETTLED_WITHIN_S = 120.0


async def settled(house, message_id):
    """The mail as it stands in the end, and its events: `deliver` is called as the clock would."""
    deliver = await house.start("deliver")
    api = await house.start("api")
    async with asyncio.timeout(SETTLED_WITHIN_S):
        while True:
            await deliver.invoke(CLOCK_EVENT, 60)
            _, shown = read(await api.invoke(house.asked("GET", f"/v1/emails/{message_id}")))
            if shown["state"] in ("sent", "failed", "held"):
                _, events = read(await api.invoke(house.asked("GET", f"/v1/events?message={message_id}")))
                return shown, [event["type"] for event in events["data"]]


async def only_mail(house):
    api = await house.start("api")
    _, page = read(await api.invoke(house.asked("GET", "/v1/emails")))
    [mail] = page["data"]
    return mail["id"]


async def taken(house):
    """Until a provider has the mail."""
    await until(lambda: bool(house.mails))


async def asked_for(sandbox):
    """Until the fault has hit a request."""
    await until(lambda: not sandbox.faults["mailgun"].plans)


async def test_a_function_that_is_killed_in_mid_send_leaves_a_mail_that_the_provider_has_and_it_is_found(
    house, sandbox
):
    await sandbox.put_faults("mailgun", TAKEN_BUT_MUTE)
    function = await house.start("send_email")
    call = function.call(house.asked("POST", "/sendEmail", ORIGINAL))
    await taken(house)
    await function.kill()
    with pytest.raises(ProcessEnded):
        await call.result
    shown, _ = await settled(house, await only_mail(house))
    assert (shown["state"], list(house.mails.values())) == ("sent", [1])


async def test_a_function_that_is_killed_before_the_provider_took_the_mail_loses_nothing(house, sandbox):
    await sandbox.put_faults("mailgun", NOT_TAKEN_AND_MUTE)
    function = await house.start("send_email")
    call = function.call(house.asked("POST", "/sendEmail", ORIGINAL))
    await asked_for(sandbox)
    await function.kill()
    with pytest.raises(ProcessEnded):
        await call.result
    shown, _ = await settled(house, await only_mail(house))
    assert (shown["state"], list(house.mails.values())) == ("sent", [1])


async def test_deliver_that_is_killed_in_mid_send_is_followed_by_the_next_one(house, sandbox):
    await sandbox.put_faults("mailgun", TAKEN_BUT_MUTE)
    api = await house.start("api")
    _, accepted = read(await api.invoke(house.asked("POST", "/v1/emails", NATIVE)))
    deliver = await house.start("deliver")
    call = deliver.call(queue_event("one"), 60)
    await taken(house)
    await deliver.kill()
    with pytest.raises(ProcessEnded):
        await call.result
    shown, _ = await settled(house, accepted["id"])
    assert (shown["state"], list(house.mails.values())) == ("sent", [1])


async def test_a_function_that_is_frozen_past_its_lease_sends_nothing_twice(house, sandbox):
    await sandbox.put_faults("mailgun", TAKEN_BUT_MUTE)
    function = await house.start("send_email")
    call = function.call(house.asked("POST", "/sendEmail", ORIGINAL), 170)
    await taken(house)
    function.freeze()
    shown, _ = await settled(house, await only_mail(house))
    assert shown["state"] == "sent"
    function.thaw()
    status, answer = read(await call.result)
    assert (status, answer["state"], list(house.mails.values())) == (200, "sent", [1])


async def test_a_caller_is_answered_before_the_functions_time_is_over_and_the_rest_is_for_deliver(house, sandbox):
    house.configure(answer_s=20.0)
    await sandbox.put_faults("mailgun", TAKEN_BUT_MUTE)
    function = await house.start("send_email")
    status, answer = read(await function.invoke(house.asked("POST", "/sendEmail", ORIGINAL), timeout_s=8))
    assert (status, answer["code"]) == (503, "queued")
    assert "do not send it again" in answer["message"]
    shown, events = await settled(house, answer["id"])
    assert (shown["state"], list(house.mails.values())) == ("sent", [1])
    assert events[2] == "dev.everpost.email.uncertain"  # it was told at once, and not when a lease had ended


async def test_nothing_of_a_call_is_left_running_when_its_answer_is_there(house, sandbox):
    house.configure(answer_s=20.0)
    await sandbox.put_faults("mailgun", TAKEN_BUT_MUTE)
    function = await house.start("api")
    event = house.asked("POST", "/v1/emails", NATIVE, headers={"prefer": "wait=1"})
    status, _ = read(await function.invoke(event))
    assert status == 202
    await function.invoke(house.asked("GET", "/v1/emails"))
    assert not any("a task is left" in str(line) for line in function.lines)


async def test_deliver_waits_for_what_is_due_within_a_minute(house, sandbox):
    for provider in ("mailgun", "sendgrid"):
        await sandbox.put_faults(provider, FaultPlan(kind=FaultKind.STATUS, status=429, retry_after="2", count=1))
    api = await house.start("api")
    read(await api.invoke(house.asked("POST", "/v1/emails", NATIVE)))
    deliver = await house.start("deliver")
    assert await deliver.invoke(queue_event("one"), 60) == {"batchItemFailures": []}
    assert list(house.mails.values()) == [1]


async def test_deliver_ends_before_its_time_is_over(house, sandbox):
    house.configure(answer_s=60.0)
    await sandbox.put_faults("mailgun", TAKEN_BUT_MUTE)
    api = await house.start("api")
    _, accepted = read(await api.invoke(house.asked("POST", "/v1/emails", NATIVE)))
    deliver = await house.start("deliver")
    assert await deliver.invoke(queue_event("one"), 31) == {"batchItemFailures": []}
    _, shown = read(await api.invoke(house.asked("GET", f"/v1/emails/{accepted['id']}")))
    assert (shown["state"], list(house.mails.values())) == ("uncertain", [1])


async def test_messages_come_again_while_the_store_can_not_be_used_and_a_clock_is_told_of_it(house, tmp_path):
    deliver = await house.start("deliver")
    (tmp_path / "data" / "everpost.db").write_bytes(b"no database")
    (tmp_path / "data" / "everpost.db-wal").unlink(missing_ok=True)
    assert await deliver.invoke(queue_event("one", "two"), 60) == {
        "batchItemFailures": [{"itemIdentifier": "one"}, {"itemIdentifier": "two"}]
    }
    with pytest.raises(FunctionFailed, match="Unavailable"):
        await deliver.invoke(CLOCK_EVENT, 60)


async def test_a_timeout_that_is_too_short_for_deliver_is_told(house):
    deliver = await house.start("deliver")
    with pytest.raises(FunctionFailed, match=r"TooShort: .* a timeout of at least 30 s"):
        await deliver.invoke(CLOCK_EVENT, 10)
