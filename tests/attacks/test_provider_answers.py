"""Answers of a provider that is broken, taken over, or somebody else: read at a bounded cost, and never obeyed."""

import json
import time

import pytest
from msgspec.structs import replace

from engine_kit import LOST, PROVIDER, World, accepted
from everpost.model.account import Account
from everpost.model.delivery import DeliveryState
from everpost.model.limits import ANSWER_BODY_BYTES_MAX, PROVIDER_ID_CHARS_MAX
from everpost.model.message import OnUnknown
from everpost.model.outcome import Kind
from everpost.providers.contract import Ask, HttpResponse, SmtpReply, SmtpStage, Sought, Unclear
from everpost.wiring import PROVIDERS
from provider_cases import DRAFT, ID

SIZE = ANSWER_BODY_BYTES_MAX - 1000
CPU_S = 1.0
HTTP = ("mailgun", "sendgrid")
PHRASES = ("attachment ", "total recipients", "exceeds ", "try again after ", "not allowed to send", "<", "a")


def said(provider, status, words, headers=None):
    """The provider's error in its own form."""
    body = {"message": words} if provider == "mailgun" else {"errors": [{"message": words}]}
    return HttpResponse(status=status, headers=headers or {}, body=json.dumps(body).encode())


def read(provider, answer):
    started = time.process_time()
    outcome = PROVIDERS[provider].read(answer, None)
    assert time.process_time() - started < CPU_S
    return outcome


@pytest.mark.parametrize("provider", HTTP)
@pytest.mark.parametrize("phrase", PHRASES)
@pytest.mark.parametrize("status", [200, 400, 403, 413, 429, 503])
def test_no_words_take_long_to_read(provider, phrase, status):
    outcome = read(provider, said(provider, status, phrase * (SIZE // len(phrase))))
    assert len(outcome.text) <= 500


@pytest.mark.parametrize("phrase", ["exceeded ", "maximum credits ", "5.7.1 ", "message ", "ok ", "queued as ", "x"])
@pytest.mark.parametrize("stage", SmtpStage)
def test_no_reply_takes_long_to_read(phrase, stage):
    outcome = read("smtp", SmtpReply(stage=stage, code=550, text=phrase * (32_000 // len(phrase))))
    assert outcome.kind is not Kind.ACCEPTED


@pytest.mark.parametrize("provider", HTTP)
@pytest.mark.parametrize("start", [b"", b'{"errors":', b'{"message":'])
@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
@pytest.mark.parametrize("status", [200, 400, 429])
def test_an_answer_that_is_nested_without_end_is_no_answer(provider, start, opening, status):
    body = start + opening * (SIZE // len(opening))
    outcome = read(provider, HttpResponse(status=status, headers={}, body=body))
    assert outcome.kind in (Kind.UNKNOWN, Kind.REFUSED, Kind.THROTTLED)


@pytest.mark.parametrize("provider", HTTP)
@pytest.mark.parametrize(
    "headers",
    [
        {"retry-after": "9" * 1000},
        {"retry-after": "Mon, 01 Jan 99999999999999999999 00:00:00 GMT"},
        {"retry-after": "Mon, 01 Jan 2026 00:00:00 +9999999999999999999"},
        {"retry-after": "-1"},
        {"x-ratelimit-reset": "9" * 1000, "date": "Mon, 05 Jan 2026 00:00:00 GMT"},
    ],
)
def test_no_time_that_a_provider_names_keeps_an_account_away_for_more_than_a_day(provider, headers):
    outcome = read(provider, said(provider, 429, "slow down", headers))
    assert outcome.kind is Kind.THROTTLED
    assert outcome.retry_after_s is None or 0 <= outcome.retry_after_s <= 86_400


def test_an_id_that_is_longer_than_a_line_is_none():
    taken = said("mailgun", 200, "Queued.")
    for length, kind in ((PROVIDER_ID_CHARS_MAX, Kind.ACCEPTED), (PROVIDER_ID_CHARS_MAX + 1, Kind.UNKNOWN)):
        answer = HttpResponse(status=200, headers={}, body=json.dumps({"id": "i" * length}).encode())
        assert read("mailgun", answer).kind is kind
    assert read("mailgun", taken).kind is Kind.UNKNOWN


LOOKUP_KEY = "key-that-may-read"
MAILGUN = Account(
    name="mailgun",
    provider="mailgun",
    settings={"api_key": "key", "lookup_api_key": LOOKUP_KEY, "domain": "mg.example.com", "region": "eu"},
)
OURS = "https://api.eu.mailgun.net/"
ELSEWHERE = (
    "http://169.254.169.254/latest/meta-data/",
    "https://api.eu.mailgun.net.evil.example/v3/",
    "https://api.eu.mailgun.net@evil.example/v3/",
    "https://api.eu.mailgun.net:8443/v3/",
    "https://api.eu.mailgun.net",
    "http://api.eu.mailgun.net/v3/",
    "https://api.mailgun.net/v3/",
    "HTTPS://API.EU.MAILGUN.NET/v3/",
    " https://api.eu.mailgun.net/v3/",
    "//evil.example/v3/",
    "/v3/mg.example.com/events/next",
    "file:///etc/passwd",
    "https:\\\\evil.example/",
    "https://api.eu.mailgun.net\\@evil.example/",
    "https://api.eu.mailgun.net\t/v3/",
)


def page(following):
    body = {"items": [{"message": {}}], "paging": {"next": following}}
    return HttpResponse(status=200, headers={}, body=json.dumps(body).encode())


def find(following):
    sought = Sought(delivery_id=ID, message=DRAFT, account=MAILGUN, started_at=1_800_000_000.0)
    return PROVIDERS["mailgun"].resolve.read(sought, page(following))


@pytest.mark.parametrize("following", ELSEWHERE)
def test_the_next_page_of_a_lookup_leads_to_no_other_host_and_takes_no_key_there(following):
    assert find(following) == Unclear("the next page of events is at another host")


@pytest.mark.parametrize("path", ["v3/mg.example.com/events/W3siYSI", "v3/../../latest", "?a=@evil.example", "\\@evil"])
def test_a_next_page_of_the_same_host_is_asked_for_there(path):
    finding = find(OURS + path)
    assert isinstance(finding, Ask)
    assert [request.url for request in finding.requests] == [OURS + path]


async def test_an_answer_that_can_not_be_followed_leaves_no_mail_uncertain_for_ever():
    """Such as a next page whose address no HTTP request can carry."""

    def unreadable(sought, answer):
        raise ValueError("not an http address")

    lookup = replace(PROVIDER.resolve, read=unreadable)
    world = World("a", provider=replace(PROVIDER, resolve=lookup), on_unknown=OnUnknown.HOLD, resolve_within_s=30.0)
    world.wire.script("a", LOST)
    async with world.running() as engine:
        one = await world.ended(await accepted(engine))
    assert one.state is DeliveryState.HELD
    assert one.reason == "it is unknown whether a has it: a fault of Everpost: ValueError"
