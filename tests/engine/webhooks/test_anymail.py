"""django-anymail's own views for the webhooks of providers, fed by what we post in that provider's format."""

import warnings
from base64 import b64decode
from contextlib import contextmanager

import django.conf
import pytest

if not django.conf.settings.configured:
    django.conf.settings.configure()

from anymail.exceptions import AnymailNotSupportedWarning, AnymailWebhookValidationFailure
from anymail.signals import tracking
from anymail.webhooks.amazon_ses import AmazonSESTrackingWebhookView
from anymail.webhooks.mailgun import MailgunTrackingWebhookView
from anymail.webhooks.postmark import PostmarkTrackingWebhookView
from anymail.webhooks.resend import ResendTrackingWebhookView
from anymail.webhooks.sendgrid import SendGridTrackingWebhookView
from django.test import RequestFactory

from engine_kit import CALLER, accepted, elapse
from everpost.dialects.notices.table import WRITERS
from everpost.engine.webhooks.dispatcher import IDLE_S_MAX
from everpost.model.event import Event, EventType
from everpost.model.message import Address
from everpost.webhooks.signing import verification_key
from webhook_kit import made, status

LOGIN = "anymail:correct-horse"
VIEWS = {
    "sendgrid": (SendGridTrackingWebhookView, {"tracking_webhook_verification_key": "{key}"}),
    "mailgun": (MailgunTrackingWebhookView, {"webhook_signing_key": "{secret}"}),
    "postmark": (PostmarkTrackingWebhookView, {}),
    "resend": (ResendTrackingWebhookView, {}),
    "ses": (AmazonSESTrackingWebhookView, {}),
}
SAID = {
    EventType.RECIPIENT_DELIVERED: {"smtp_code": 250},
    EventType.RECIPIENT_BOUNCED: {"bounce": "hard", "reason": "invalid_recipient", "smtp_code": 550}
    | {"enhanced_status": "5.1.1", "text": "550 5.1.1 no such user"},
    EventType.RECIPIENT_DEFERRED: {"reason": "greylisted", "smtp_code": 451, "text": "451 4.7.1 later"},
    EventType.RECIPIENT_COMPLAINED: {},
    EventType.RECIPIENT_UNSUBSCRIBED: {},
    EventType.RECIPIENT_OPENED: {},
    EventType.RECIPIENT_CLICKED: {},
}
FIRST = {"sendgrid": "queued", "mailgun": "queued", "resend": "sent", "ses": "sent"}
OTHERWISE = {
    ("ses", "deferred"): "unknown",  # the view has no name for it
    ("ses", "unsubscribed"): "unknown",
}
METADATA = {"order": "7", "anymail_id": "id-of-anymail"}
HEADERS = {"X-Tags": '["welcome"]', "X-Tag": "welcome", "X-Metadata": '{"order": "7"}'}


class Django:
    """The view, as a receiver that answers with its status."""

    def __init__(self, name, webhook):
        view, options = VIEWS[name]
        secret = webhook.keys[0].secret
        given = {option: text.format(secret=secret, key=verification_key(secret)) for option, text in options.items()}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", AnymailNotSupportedWarning)
            self._view = view(webhook_secret=LOGIN, **given)
            self._view.setup(request := RequestFactory().post("/"))
        assert request.method == "POST"
        self.refused = []

    def __call__(self, got):
        headers = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in got.headers.items()}
        content_type = got.headers["Content-Type"]
        request = RequestFactory().post("/anymail/", got.body, content_type=content_type, **headers)
        try:
            return status(self._view.post(request).status_code)
        except AnymailWebhookValidationFailure as error:
            self.refused.append(str(error))
            return status(400)


@contextmanager
def signals():
    """What the program's own receiver of signals is told."""
    told = []

    def receive(event, **_):
        told.append(event)

    tracking.connect(receive)
    try:
        yield told
    finally:
        tracking.disconnect(receive)


async def happened(hooked, stored, type_, data):
    id_ = f"{stored.message.id}.0:{type_}"
    event = Event(
        id=id_,
        type=type_,
        at=hooked.world.clock.now(),
        project=stored.message.project,
        message_id=stored.message.id,
        data={"place": 1, **data},
    )
    await hooked.world.store.record([event])


@pytest.mark.parametrize("name", VIEWS)
async def test_it_fires_the_signals_of_each_event(hooked, name):
    async with hooked.running() as engine:
        webhook = await made(engine, format=name, login=LOGIN)
        view = hooked.receivers.answers[webhook.url] = Django(name, webhook)
        with signals() as told:
            stored = await accepted(
                engine,
                to=(Address("bob@example.org"), Address("eve@example.org")),
                tags=("welcome",),
                metadata=METADATA,
                headers=HEADERS,
            )
            for type_, data in SAID.items():
                await happened(hooked, stored, type_, data)
            await elapse(IDLE_S_MAX + 1.0)
    assert view.refused == []
    words = [type_.partition(".")[2] for type_ in SAID if type_ in WRITERS[name].types]
    wanted = [OTHERWISE.get((name, word), word) for word in words]
    first = [] if name not in FIRST else [FIRST[name]] * (1 if name == "resend" else 2)
    assert [event.event_type for event in told] == first + wanted
    assert {event.recipient for event in told[len(first) :]} == {"eve@example.org"}
    assert {event.message_id for event in told} == {id_of(name, stored.message)}
    assert {tuple(event.tags) for event in told} == {("welcome",)}
    assert {event.metadata["order"] for event in told} == {"7"}
    assert len({(event.event_id, event.recipient) for event in told if event.event_id}) == len(
        [event for event in told if event.event_id]
    )


def id_of(name, message):
    """As anymail knows it: SendGrid and Postmark give its own id back."""
    if name in ("sendgrid", "postmark"):
        return METADATA["anymail_id"]
    return f"<{message.id}@example.com>" if name == "mailgun" else message.id


@pytest.mark.parametrize("name", VIEWS)
async def test_who_does_not_log_in_or_has_another_secret_is_refused(hooked, name):
    async with hooked.running() as engine:
        webhook = await made(engine, format=name)
        view = hooked.receivers.answers[webhook.url] = Django(name, webhook)
        with signals() as told:
            result = await engine.webhooks.test(CALLER, webhook.id)
    assert (told, result.status) == ([], 401 if name == "ses" else 400)
    assert name == "ses" or "basic auth" in view.refused[0]


@pytest.mark.parametrize("name", VIEWS)
async def test_a_test_fires_the_signal_of_a_mail_that_was_delivered(hooked, name):
    async with hooked.running() as engine:
        webhook = await made(engine, format=name, login=LOGIN)
        hooked.receivers.answers[webhook.url] = Django(name, webhook)
        with signals() as told:
            result = await engine.webhooks.test(CALLER, webhook.id)
    assert (result.error, [event.event_type for event in told]) == ("", ["delivered"])
    assert b64decode(hooked.receivers.got[0].headers["Authorization"].partition(" ")[2]).decode() == LOGIN
