"""Providers' answers: any answer becomes an Outcome, and only one that the provider's documents call a success becomes
ACCEPTED; any answer to a question becomes a Finding, and a further question goes to the account's own host alone.

The input is a status, headers and, after an empty line, a body: `200\\nname: value\\n\\nbody`.
"""

import math
import re
from urllib.parse import urlsplit

import msgspec

from everpost.engine.wire.http import _address
from everpost.model.account import Account
from everpost.model.limits import REASON_CHARS_MAX
from everpost.model.message import Address, Draft
from everpost.model.outcome import Kind, Outcome
from everpost.providers.contract import (
    Absent,
    Ask,
    Found,
    HttpResponse,
    SmtpReply,
    SmtpStage,
    Sought,
    Unclear,
    outcome_of,
)
from everpost.providers.reading import RETRY_AFTER_S_MAX
from everpost.wiring import PROVIDERS

ID = "em_01jzzzzzzzzzzzzzzzzzzzzzzz.0"
ACCOUNT = Account(name="main", provider="any", settings={"api_key": "k", "domain": "mg.example.com", "host": "h"})
MAIL = Draft(sender=Address("ann@example.com"), to=(Address("bob@example.org"),), subject="Hello", text="It works")
SOUGHT = Sought(delivery_id=ID, message=MAIL, account=ACCOUNT, started_at=1_767_225_660.0)
HEADERS = {"retry-after", "date", "x-message-id", "content-type", "x-ratelimit-reset"}


def check(data):
    head, _, body = data.partition(b"\n\n")
    status, *lines = head.decode("latin-1").split("\n")
    code = int(status) if re.fullmatch("[1-9][0-9]{2}", status) else 200
    named = (line.partition(": ") for line in lines)
    headers = {name.lower(): value for name, _, value in named if name.lower() in HEADERS}
    response = HttpResponse(status=code, headers=headers, body=body)
    for name in ("sendgrid", "mailgun"):
        check_outcome(name, response)
        check_finding(name, response)
    for stage in SmtpStage:
        check_reply(SmtpReply(stage=stage, code=code, text=body.decode("utf-8", errors="replace")))


def check_outcome(name, response):
    outcome = outcome_of(PROVIDERS[name], response, ACCOUNT)
    check_sound(outcome)
    if outcome.kind is Kind.ACCEPTED:
        assert 200 <= response.status < 300
        assert outcome.provider_message_id
        named = response.headers.get("x-message-id") if name == "sendgrid" else msgspec.json.decode(response.body)["id"]
        assert outcome.provider_message_id in str(named)
    elif 200 <= response.status < 300:
        # Mailgun's greeting is the one 2xx that is known to mean no.
        assert outcome.kind is Kind.UNKNOWN or (name == "mailgun" and outcome.kind is Kind.REFUSED)


def check_sound(outcome):
    assert isinstance(outcome, Outcome)
    assert len(outcome.text) <= REASON_CHARS_MAX
    msgspec.json.encode(outcome)  # as the store keeps it
    after_s = outcome.retry_after_s
    assert after_s is None or (math.isfinite(after_s) and 0 <= after_s <= RETRY_AFTER_S_MAX)


def check_finding(name, response):
    finding = PROVIDERS[name].resolve.read(SOUGHT, response)
    assert isinstance(finding, Found | Absent | Ask | Unclear)
    if response.status != 200:
        assert isinstance(finding, Unclear)
    if isinstance(finding, Found):
        assert ID.encode() in response.body or rb"\u" in response.body
    msgspec.json.encode(finding if not isinstance(finding, Ask) else None)
    for request in finding.requests if isinstance(finding, Ask) else ():
        own = urlsplit(PROVIDERS[name].resolve.start(SOUGHT).url)
        asked = _address(request.url)  # raises where the wire would
        assert (asked.scheme, asked.host, asked.port) == ("https", own.hostname, 443)


def check_reply(reply):
    outcome = outcome_of(PROVIDERS["smtp"], reply, ACCOUNT)
    check_sound(outcome)
    is_yes = reply.stage is SmtpStage.DOT and 200 <= reply.code < 300
    assert (outcome.kind is Kind.ACCEPTED) == is_yes
    if reply.stage is not SmtpStage.DOT:
        assert outcome.kind is not Kind.UNKNOWN  # no content has gone out
