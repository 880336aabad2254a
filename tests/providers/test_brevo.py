"""What is peculiar to Brevo: a key that keeps a second mail from being sent, and limits of its own."""

import json
from datetime import UTC, datetime
from random import Random
from urllib.parse import parse_qsl, urlsplit

from msgspec.structs import replace

from everpost.model.message import Attachment
from everpost.model.outcome import Kind
from everpost.providers.brevo import adapter as brevo
from everpost.providers.contract import Found, HttpResponse
from everpost.sandbox.api import Conduct
from everpost.sandbox.brevo.api import Brevo
from everpost.sandbox.inbox import Inbox
from provider_cases import DRAFT, ID, account_of, answered, built, fitted, sought_of

MAIL = fitted("brevo", DRAFT)


def test_a_delivery_that_it_has_taken_is_not_taken_again_but_found():
    inbox = Inbox(lambda: 0.0)
    server = Brevo(inbox, Conduct(), lambda: 0.0, Random(1))
    account = account_of("brevo")
    first, again = (brevo.PROVIDER.read(answered(server, built("brevo", MAIL)), account) for _ in range(2))
    assert (first.kind, again.kind) == (Kind.ACCEPTED, Kind.UNKNOWN)
    assert inbox.taken[ID] == 1
    sought = sought_of({}, "brevo")
    lookup = brevo.PROVIDER.resolve
    assert lookup.read(sought, answered(server, lookup.start(sought))) == Found(first.provider_message_id)


def test_of_the_days_that_it_lists_the_time_that_was_asked_for_is_kept():
    """A day may have begun before that of UTC, or after it."""
    since = datetime(2026, 3, 2, 13, tzinfo=UTC).timestamp()
    question = brevo.PROVIDER.history.start(account_of("brevo"), since, since + 3600.0)
    asked = dict(parse_qsl(urlsplit(question.request.url).query))
    assert (asked["startDate"], asked["endDate"]) == ("2026-03-01", "2026-03-02")
    times = ("2026-03-02T12:59:59Z", "2026-03-02T14:30:00+01:00", "2026-03-02T14:00:00Z")
    events = [{"event": "hardBounces", "email": "ann@example.com", "date": at} for at in times]
    listed = question.read(HttpResponse(status=200, headers={}, body=json.dumps({"events": events}).encode()))
    assert [(one.native, one.event_id, one.at) for one in listed.told] == [("hard_bounce", None, since + 1800.0)]
    assert listed.further == ()


def test_the_largest_mail_fits_into_what_it_takes():
    """20 MB, attachments in base64."""
    large = Attachment(filename="a.txt", content_type="a/b", content=bytes(brevo.PROVIDER.limits.content_bytes_max))
    assert len(built("brevo", replace(MAIL, attachments=(large,))).body) < 20_000_000
