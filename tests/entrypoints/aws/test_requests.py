"""Functions that answer requests, under Lambda's own runtime client."""

import asyncio

import pytest

from everpost.sandbox.faults import FaultKind, FaultPlan
from lambda_house import NATIVE, ORIGINAL, encoded, read
from lambda_kit import CLOCK_EVENT, FunctionFailed, http_event

pytestmark = pytest.mark.slow


async def test_the_original_body_is_answered_by_200_and_is_one_mail(house, asked):
    function = await house.start("send_email")
    status, answer = read(await function.invoke(asked("POST", "/sendEmail", ORIGINAL)))
    assert (status, answer["status"], answer["provider"]) == (200, "success", "mailgun")
    assert list(house.mails.values()) == [1]


async def test_a_body_may_come_in_base64(house, asked):
    function = await house.start("send_email")
    status, _ = read(await function.invoke(encoded(asked("POST", "/sendEmail", ORIGINAL))))
    assert (status, list(house.mails.values())) == (200, [1])


async def test_a_function_serves_its_operation_at_whatever_path_leads_to_it(house, asked):
    function = await house.start("send_email")
    assert read(await function.invoke(asked("POST", "/mail/send", ORIGINAL)))[0] == 200
    assert read(await function.invoke(asked("GET", "/getEmailProvider")))[0] == 405


async def test_events_can_not_be_followed_and_the_answer_says_how_to_read_them(house, asked):
    function = await house.start("api")
    headers = {"accept": "text/event-stream"}
    status, answer = read(await function.invoke(asked("GET", "/v1/events", headers=headers)))
    assert (status, answer["code"]) == (406, "no_streams")
    assert "`after`" in answer["detail"]


async def test_a_provider_that_is_down_is_stepped_over_within_the_call(house, sandbox):
    await sandbox.put_faults("mailgun", FaultPlan(kind=FaultKind.REFUSE))
    function = await house.start("send_email")
    status, answer = read(await function.invoke(house.asked("POST", "/sendEmail", ORIGINAL)))
    assert (status, answer["provider"], list(house.mails.values())) == (200, "sendgrid", [1])


async def test_an_answer_that_is_lost_is_found_in_the_providers_records_within_the_call(house, sandbox):
    await sandbox.put_faults("mailgun", FaultPlan(kind=FaultKind.ACCEPT_RESET))
    function = await house.start("send_email")
    status, answer = read(await function.invoke(house.asked("POST", "/sendEmail", ORIGINAL)))
    assert (status, answer["provider"], list(house.mails.values())) == (200, "mailgun", [1])


async def test_one_process_answers_one_call_after_the_other(house):
    function = await house.start("send_email")
    for _ in range(3):
        assert read(await function.invoke(house.asked("POST", "/sendEmail", ORIGINAL)))[0] == 200
    assert list(house.mails.values()) == [1, 1, 1]
    assert not any("a task is left" in str(line) for line in function.lines)


async def test_the_same_key_is_one_mail_over_two_processes(house):
    event = house.asked("POST", "/sendEmail", ORIGINAL, headers={"idempotency-key": "order-1"})
    one, two = await house.start("send_email"), await house.start("send_email")
    first, second = await one.invoke(event), await two.invoke(event)
    assert read(first) == read(second)
    assert second["multiValueHeaders"]["idempotency-replayed"] == ["true"]
    assert list(house.mails.values()) == [1]


async def test_what_is_set_by_one_function_is_got_by_another(house, asked):
    getter, setter = await house.start("get_email_provider"), await house.start("set_email_provider")
    assert read(await getter.invoke(asked("GET", "/getEmailProvider"))) == (
        200,
        {"status": "success", "provider": "mailgun"},
    )
    body = {"provider": "sendgrid"}
    assert read(await setter.invoke(asked("POST", "/setEmailProvider", body)))[0] == 200
    async with asyncio.timeout(10):  # a process that is busy all the time may be behind for a quarter of a second
        while read(await getter.invoke(asked("GET", "/getEmailProvider")))[1]["provider"] != "sendgrid":
            pass


async def test_a_function_that_may_only_read_writes_no_use_of_a_key_and_another_one_has_written_it(house):
    getter, setter = await house.start("get_email_provider"), await house.start("set_email_provider")
    assert read(await getter.invoke(house.asked("GET", "/getEmailProvider")))[0] == 200
    assert read(await getter.invoke(house.asked("GET", "/getEmailProvider")))[0] == 200
    assert await house.used_at() is None
    body = {"provider": "sendgrid"}
    assert read(await setter.invoke(house.asked("POST", "/setEmailProvider", body)))[0] == 200
    assert await house.used_at() is not None


REFUSED = [
    ({"authorization": "Bearer nobody"}, ORIGINAL, 401, "unauthorized"),
    ({}, {"to": "bob@example.org"}, 400, "validation_failed"),
    ({"idempotency-key": ""}, ORIGINAL, 400, "bad_header"),
]


@pytest.mark.parametrize(("headers", "body", "status", "code"), REFUSED)
async def test_what_is_refused_has_the_status_of_the_server(house, headers, body, status, code):
    function = await house.start("send_email")
    refused = read(await function.invoke(house.asked("POST", "/sendEmail", body, headers=headers)))
    assert (refused[0], refused[1]["code"]) == (status, code)
    assert house.mails == {}


async def test_the_whole_native_api_is_served_by_one_function(house, asked):
    function = await house.start("api")
    status, accepted = read(await function.invoke(asked("POST", "/v1/emails", NATIVE)))
    assert status == 202
    status, shown = read(await function.invoke(asked("GET", f"/v1/emails/{accepted['id']}")))
    assert (status, shown["state"]) == (200, "queued")
    status, page = read(await function.invoke(asked("GET", "/v1/emails")))
    assert (status, [mail["id"] for mail in page["data"]]) == (200, [accepted["id"]])
    assert read(await function.invoke(asked("GET", "/openapi.json")))[1]["info"]["title"] == "Everpost"
    assert read(await function.invoke(asked("GET", "/v1/nothing")))[0] == 404
    docs = await function.invoke(asked("GET", "/docs"))
    assert (docs["statusCode"], docs["body"][:15]) == (200, "<!doctype html>")


async def test_a_mail_that_nobody_waits_for_is_left_to_deliver(house):
    function = await house.start("api")
    status, _ = read(await function.invoke(house.asked("POST", "/v1/emails", NATIVE)))
    assert (status, house.mails) == (202, {})
    deliver = await house.start("deliver")
    assert await deliver.invoke(CLOCK_EVENT, 60) == {"batchItemFailures": []}
    assert list(house.mails.values()) == [1]


async def test_whoever_prefers_to_wait_is_told_of_the_hand_over(house, asked):
    function = await house.start("api")
    status, shown = read(await function.invoke(asked("POST", "/v1/emails", NATIVE, headers={"prefer": "wait=10"})))
    assert (status, shown["state"], list(house.mails.values())) == (200, "sent", [1])


async def test_api_serves_no_figures_of_a_process_that_nobody_can_ask_twice(house):
    function = await house.start("api")
    assert read(await function.invoke(house.asked("GET", "/metrics")))[0] == 404
    assert "/metrics" not in read(await function.invoke(house.asked("GET", "/openapi.json")))[1]["paths"]


async def test_a_page_elsewhere_that_is_listed_may_ask_and_read(house):
    origin = "https://page.example.com"
    function = await house.start("send_email", {"EVERPOST_HTTP_PAGE_ORIGINS": origin})
    question = {"origin": origin, "access-control-request-method": "POST"}
    asked_first = await function.invoke(house.asked("OPTIONS", "/sendEmail", make=http_event, headers=question))
    answer = await function.invoke(
        house.asked("POST", "/sendEmail", ORIGINAL, make=http_event, headers={"origin": origin})
    )
    assert (asked_first["statusCode"], answer["statusCode"]) == (204, 200)
    assert asked_first["headers"]["access-control-allow-origin"] == origin
    assert answer["headers"]["access-control-allow-origin"] == origin


async def test_an_event_that_is_no_request_fails_by_name_and_the_function_lives_on(house):
    function = await house.start("send_email")
    with pytest.raises(FunctionFailed, match="BrokenEvent: the event is no request of API Gateway"):
        await function.invoke(CLOCK_EVENT)
    assert read(await function.invoke(house.asked("POST", "/sendEmail", ORIGINAL)))[0] == 200


async def test_a_faulty_configuration_is_told_when_the_function_starts(house):
    with pytest.raises(FunctionFailed, match=r"Misconfigured: EVERPOST_STORE is 'mongodb'.*dynamodb:TABLE"):
        await house.start("send_email", {"EVERPOST_STORE": "mongodb"})


async def test_a_handler_that_there_is_not_is_told(house):
    with pytest.raises(FunctionFailed, match="Handler 'sendEmail' missing"):
        await house.start("sendEmail")


async def test_lines_carry_the_ids_of_the_invocation_the_request_the_mail_and_the_trace(house):
    function = await house.start("send_email")
    trace = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
    event = house.asked("POST", "/sendEmail", ORIGINAL, make=http_event, headers={"x-amzn-trace-id": trace})
    result = await function.invoke(event)
    [line] = [each for each in function.lines if isinstance(each, dict) and each.get("event") == "request"]
    assert line["requestId"] == "00000000-0000-4000-8000-000000000001"
    assert line["request"] == result["headers"]["x-request-id"]
    assert line["message"] == read(result)[1]["id"]
    assert line["trace"] == "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01"
    assert (line["level"], line["status"], line["timestamp"][-1]) == ("info", 200, "Z")
