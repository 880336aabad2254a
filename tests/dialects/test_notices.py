"""What a format writes, our own reader of that provider's webhooks reads back as the same event."""

from base64 import b64decode

import pytest
from msgspec.structs import replace

from everpost.dialects.notices.table import WRITERS
from everpost.model.account import Account
from everpost.model.event import Event, EventType
from everpost.model.limits import METADATA_BYTES_MAX, RECIPIENTS_MAX, WEBHOOK_BODY_BYTES_MAX
from everpost.model.message import Address, Message
from everpost.model.sighting import Bounce, Machine, Reason, Sighting, SightingKind
from everpost.model.told import Told
from everpost.model.webhook import SigningKey
from everpost.providers.hooks import Forged, Genuine, HookRequest
from everpost.providers.mailgun import events as mailgun_events
from everpost.providers.postmark import events as postmark_events
from everpost.providers.resend import events as resend_events
from everpost.providers.sendgrid import events as sendgrid_events
from everpost.providers.ses import events as ses_events
from everpost.webhooks.signing import secret_of, verification_key
from everpost.webhooks.writing import Sealing

READERS = {
    "sendgrid": sendgrid_events,
    "mailgun": mailgun_events,
    "postmark": postmark_events,
    "resend": resend_events,
    "ses": ses_events,
}
NOW = 1_800_000_000.0
SECRET = secret_of(bytes(range(32)))
SEALING = Sealing(keys=(SigningKey(SECRET), SigningKey(secret_of(b"o" * 32), NOW + 60)), at=NOW)
TO_VERIFY = {
    "sendgrid": verification_key(SECRET),
    "mailgun": SECRET,
    "resend": SECRET,
}
BOB, EVE = "bob@example.org", "eve@example.org"
MAIL = Message(
    id="em_0123456789abcdefghjkmnpqrs",
    project="shop",
    created_at=NOW - 60,
    sender=Address("ann@example.com", "Ann"),
    to=(Address(BOB), Address(EVE)),
    subject="Grüße",
    headers={"X-Campaign": "spring"},
    tags=("welcome",),
    metadata={"order": "7", "everpost_id": "em_0123456789abcdefghjkmnpqrs.0"},
)
HARD = {"bounce": Bounce.HARD, "reason": "invalid_recipient"} | {
    "smtp_code": 550,
    "enhanced_status": "5.1.1",
    "text": "550 no such user",
}
SOFT = {"bounce": Bounce.SOFT, "reason": "mailbox_full", "smtp_code": 552, "enhanced_status": "5.2.2", "text": "full"}
LATER = {"reason": "greylisted", "smtp_code": 451, "enhanced_status": "4.7.1", "text": "451 4.7.1 greylisted"}
EVENTS = {
    EventType.ACCEPTED: {"recipients": 2},
    EventType.SUPPRESSED: {"places": [1]},
    EventType.FAILED: {"reason": "no account takes it"},
    EventType.RECIPIENT_DEFERRED: LATER,
    EventType.RECIPIENT_DELIVERED: {"smtp_code": 250},
    EventType.RECIPIENT_BOUNCED: HARD,
    EventType.RECIPIENT_REJECTED: {"reason": "suppressed_bounce", "text": "on a list of bounces"},
    EventType.RECIPIENT_FAILED: {"reason": "other", "text": "it broke"},
    EventType.RECIPIENT_COMPLAINED: {},
    EventType.RECIPIENT_UNSUBSCRIBED: {},
    EventType.RECIPIENT_RESUBSCRIBED: {},
    EventType.RECIPIENT_AUTORESPONDED: {},
    EventType.RECIPIENT_OPENED: {},
    EventType.RECIPIENT_CLICKED: {"machine": Machine.IMAGE_PROXY},
}
KINDS = {
    EventType.ACCEPTED: SightingKind.QUEUED,
    EventType.SUPPRESSED: SightingKind.REJECTED,
    EventType.FAILED: SightingKind.REJECTED,
} | {type_: SightingKind(type_.partition(".")[2]) for type_ in EVENTS if type_.startswith("recipient.")}
OTHERWISE = {
    ("sendgrid", EventType.RECIPIENT_FAILED): SightingKind.REJECTED,
    ("mailgun", EventType.SUPPRESSED): SightingKind.BOUNCED,
    ("mailgun", EventType.FAILED): SightingKind.BOUNCED,
    ("mailgun", EventType.RECIPIENT_FAILED): SightingKind.BOUNCED,
    ("postmark", EventType.RECIPIENT_FAILED): SightingKind.REJECTED,
    ("postmark", EventType.RECIPIENT_RESUBSCRIBED): SightingKind.SUPPRESSION_REMOVED,
    ("resend", EventType.FAILED): SightingKind.FAILED,
    ("ses", EventType.RECIPIENT_FAILED): SightingKind.REJECTED,
}
"""Where a provider has one word for what are two here."""
CASES = [(name, type_) for name in READERS for type_ in EVENTS if type_ in WRITERS[name].types]


def told(type_, **data):
    of_mail = type_ in (EventType.ACCEPTED, EventType.SUPPRESSED, EventType.FAILED)
    place = {} if of_mail else {"place": 1}
    event = Event(
        id=f"{MAIL.id}.0:{type_}", type=type_, at=NOW - 5, project="shop", message_id=MAIL.id, data=place | data
    )
    return Told(7, event, MAIL, {0} if type_ is EventType.FAILED else ())


def written(name, event):
    return WRITERS[name].posts(event, SEALING)


def read(name, posts):
    return [sighting for post in posts for sighting in READERS[name].read(post.body)]


def request(post, body=None):
    headers = {header.lower(): value for header, value in post.headers.items()}
    return HookRequest(method="POST", url="/", headers=headers, body=body or post.body, received_at=NOW)


@pytest.mark.parametrize(("name", "type_"), CASES)
def test_it_is_read_back_as_what_has_happened_to_whom_and_when(name, type_):
    sightings = read(name, written(name, told(type_, **EVENTS[type_])))
    assert all(isinstance(each, Sighting) for each in sightings)
    assert {each.kind for each in sightings} == {OTHERWISE.get((name, type_), KINDS[type_])}
    about = [EVE] if type_ is not EventType.ACCEPTED else [BOB] if name == "resend" else [BOB, EVE]
    assert [each.recipient for each in sightings] == about
    assert {each.at for each in sightings} == {NOW - 5}
    ids = {(each.provider_message_id or "").partition("@")[0] for each in sightings}
    assert ids == {MAIL.id}
    assert {each.delivery_id for each in sightings} == {MAIL.metadata["everpost_id"].replace("-", ".")}


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("diagnosis", [HARD, SOFT], ids=["hard", "soft"])
def test_a_bounce_keeps_its_diagnosis(name, diagnosis):
    (sighting,) = read(name, written(name, told(EventType.RECIPIENT_BOUNCED, **diagnosis)))
    assert sighting.kind is SightingKind.BOUNCED
    assert (sighting.bounce, sighting.smtp_code, sighting.enhanced_status) == (
        diagnosis["bounce"],
        diagnosis["smtp_code"],
        diagnosis["enhanced_status"],
    )
    unavailable = name == "sendgrid" and diagnosis is SOFT  # which is one class with what is full
    assert sighting.reason == (Reason.MAILBOX_UNAVAILABLE if unavailable else diagnosis["reason"])


@pytest.mark.parametrize("name", [name for name in READERS if name != "resend"])
def test_a_delay_keeps_its_diagnosis(name):
    (sighting,) = read(name, written(name, told(EventType.RECIPIENT_DEFERRED, **LATER)))
    assert (sighting.reason, sighting.smtp_code, sighting.enhanced_status) == (Reason.GREYLISTED, 451, "4.7.1")


@pytest.mark.parametrize("name", [name for name in READERS if name not in ("postmark", "resend")])
@pytest.mark.parametrize("reason", [Reason.SUPPRESSED_BOUNCE, Reason.SUPPRESSED_COMPLAINT])
def test_whose_list_has_stopped_a_mail_is_told(name, reason):
    (sighting,) = read(name, written(name, told(EventType.RECIPIENT_REJECTED, reason=reason)))
    assert (sighting.kind, sighting.reason) == (SightingKind.REJECTED, reason)


@pytest.mark.parametrize("name", [name for name in READERS if name != "resend"])
@pytest.mark.parametrize("machine", [None, Machine.IMAGE_PROXY, Machine.APPLE_MPP])
def test_that_a_machine_has_opened_is_told(name, machine):
    data = {} if machine is None else {"machine": machine}
    (sighting,) = read(name, written(name, told(EventType.RECIPIENT_OPENED, **data)))
    assert sighting.machine == machine


@pytest.mark.parametrize("name", TO_VERIFY)
def test_it_bears_the_signature_of_the_provider_and_no_other_body_does(name):
    (post,) = written(name, told(EventType.RECIPIENT_DELIVERED))
    verify, account = READERS[name].verify, Account(name="a", provider=name)
    assert isinstance(verify(request(post), account, [TO_VERIFY[name]]), Genuine)
    body = post.body.replace(str(int(NOW)).encode(), b"1800000001") if name == "mailgun" else post.body + b" "
    assert isinstance(verify(request(post, body), account, [TO_VERIFY[name]]), Forged)


@pytest.mark.parametrize("name", READERS)
def test_nothing_is_written_where_nobody_has_told_whom_it_is_about(name):
    event = told(EventType.RECIPIENT_DELIVERED)
    del event.event.data["place"]
    assert list(written(name, event)) == []


@pytest.mark.parametrize("name", READERS)
def test_what_is_posted_again_has_the_ids_that_it_had(name):
    event = told(EventType.ACCEPTED if name != "postmark" else EventType.RECIPIENT_BOUNCED)
    later = Sealing(keys=SEALING.keys, at=NOW + 300)
    first, again = written(name, event), WRITERS[name].posts(event, later)
    assert [post.id for post in first] == [post.id for post in again]
    assert [each.event_id for each in read(name, first)] == [each.event_id for each in read(name, again)]
    assert len({post.id for post in first}) == len(first)


def test_custom_args_never_pass_for_what_sendgrid_itself_says():
    hostile = Told(7, told(EventType.RECIPIENT_DELIVERED).event, MAIL_OF_A_LIAR, ())
    (sighting,) = read("sendgrid", written("sendgrid", hostile))
    assert (sighting.kind, sighting.recipient) == (SightingKind.DELIVERED, EVE)


MAIL_OF_A_LIAR = Message(
    id=MAIL.id,
    project="shop",
    created_at=NOW,
    sender=MAIL.sender,
    to=MAIL.to,
    metadata={"event": "bounce", "email": "mallory@example.org"},
)


@pytest.mark.parametrize("name", [name for name in READERS if name != "postmark"])
def test_a_mail_to_as_many_as_it_may_have_fits_into_what_is_posted_at_once(name):
    to = tuple(Address(f"{number}@customers.example.org") for number in range(RECIPIENTS_MAX))
    mail = replace(MAIL, to=to, metadata={"key": "x" * (METADATA_BYTES_MAX - 3)})
    posts = written(name, Told(7, told(EventType.ACCEPTED).event, mail, ()))
    assert max(len(post.body) for post in posts) <= WEBHOOK_BODY_BYTES_MAX
    assert len({post.id for post in posts}) == len(posts)
    if name != "resend":  # which is read as one event
        assert [each.recipient for each in read(name, posts)] == [each.email for each in to]


def test_a_group_of_sendgrids_is_left_as_a_group():
    (sighting,) = read("sendgrid", written("sendgrid", told(EventType.RECIPIENT_UNSUBSCRIBED, scope="group:7")))
    assert (sighting.kind, sighting.scope) == (SightingKind.UNSUBSCRIBED, "group:7")


def test_a_key_of_p256_is_made_of_every_secret():
    keys = [verification_key(secret_of(bytes([byte]) * 32)) for byte in (0, 255)]
    assert len({b64decode(key) for key in keys}) == 2


@pytest.mark.parametrize("name", [name for name in READERS if name != "resend"])  # which tells of a mail as a whole
def test_a_mail_that_is_accepted_or_has_failed_is_told_of_each_who_was_to_get_it(name):
    for type_, left_out in ((EventType.ACCEPTED, ()), (EventType.FAILED, ())):
        if type_ in WRITERS[name].types:
            event = replace(told(type_, **EVENTS[type_]), left_out=left_out)
            assert [each.recipient for each in read(name, written(name, event))] == [BOB, EVE]
