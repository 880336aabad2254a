"""What users of the official clients see when Everpost is slow, has too much to do, or can't store."""

import asyncio

import postmark
import postmarker.exceptions
import pytest
import python_http_client
import resend
from botocore.exceptions import ClientError

from everpost.store.port import StoreUnavailable
from sdks import SDKS

WITHIN_S = 1  # what a client waits for an answer; the server needs some milliseconds
BY_THEMSELVES = ("mailgun", "postmark", "ses")  # these repeat a call that was not answered; of the others, their users


@pytest.fixture
def slow(house, monkeypatch):
    """The mail of each request so far. The first one is answered when the second one has come."""
    taken, served, again = [], house.door.deal, asyncio.Event()

    async def deal(incoming):
        call = await served(incoming)
        taken.append(call.message_id)
        if len(taken) == 1:
            await again.wait()
        again.set()
        return call

    monkeypatch.setattr(house.door, "deal", deal)
    return taken


@pytest.mark.parametrize("sdk", SDKS)
async def test_a_call_that_is_not_answered_in_time_and_made_again_sends_one_mail(sdk, house, slow):
    client = house.client(sdk)
    client.hurry(WITHIN_S)
    mail = client.plain()
    if sdk not in BY_THEMSELVES:
        with pytest.raises(Exception, match=r"(?i)timed out"):
            await client.send(mail)
    message_id = await client.send(mail)
    assert slow == [message_id] * 2
    await house.caught(message_id)
    assert (await house.engine.console.counts()).accepted == 1


async def caught(client, mail):
    """What its users catch, or with Mailgun look at."""
    if hasattr(client, "once"):
        client.once()
    try:
        answer = await (client.answer(mail) if hasattr(client, "answer") else client.send(mail))
    except ClientError as error:
        return error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
    except postmark.PostmarkException as error:
        return type(error), error.http_status
    except postmarker.exceptions.ClientError as error:
        return type(error), error.error_code
    except resend.exceptions.ResendError as error:
        return type(error), error.code
    except python_http_client.exceptions.HTTPError as error:
        return type(error), error.status_code
    return [*answer.json()], answer.status_code


BUSY = {
    "sendgrid": (python_http_client.exceptions.TooManyRequestsError, 429),
    "mailgun": (["message"], 429),
    "resend": (resend.exceptions.RateLimitError, 429),
    "postmark": (postmark.RateLimitException, 429),
    "postmarker": (postmarker.exceptions.ClientError, 429),
    "ses": ("TooManyRequestsException", 429),
}
AWAY = {
    "sendgrid": (python_http_client.exceptions.ServiceUnavailableError, 503),
    "mailgun": (["message"], 503),
    "resend": (resend.exceptions.ApplicationError, 500),
    "postmark": (postmark.ServerException, 503),
    "postmarker": (postmarker.exceptions.ClientError, 100),
    "ses": ("ServiceUnavailableException", 503),
}


@pytest.mark.parametrize("sdk", SDKS)
async def test_that_there_is_too_much_to_do_is_what_its_provider_calls_so(sdk, house, monkeypatch):
    monkeypatch.setattr(house.door.gate.admission, "enter", lambda _: None)
    client = house.client(sdk)
    assert await caught(client, client.plain()) == BUSY[sdk]


@pytest.mark.parametrize("sdk", SDKS)
async def test_that_nothing_can_be_stored_is_what_its_provider_calls_a_fault_of_its_own(sdk, house, monkeypatch):
    async def accept(*_, **__):
        raise StoreUnavailable("the disk is full")

    monkeypatch.setattr(house.engine.ports.store, "accept", accept)
    client = house.client(sdk)
    assert await caught(client, client.plain()) == AWAY[sdk]
