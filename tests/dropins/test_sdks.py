"""The official clients of providers, pointed at Everpost and else as they come."""

import asyncio
import time

import postmark
import postmarker.exceptions
import pytest
import python_http_client
import resend
from botocore.exceptions import ClientError
from msgspec.structs import asdict, replace
from sendgrid.helpers import mail as sg

from everpost.model.event import Event, EventType
from everpost.model.key import Scope
from sdks import RICH, SCRIPTS, SDKS

PROVIDERS = ("sendgrid", "mailgun", "resend", "postmark", "ses")
SAME = [(name, "postmark" if name == "postmarker" else name) for name in SDKS]
OTHER = [(name, PROVIDERS[(PROVIDERS.index(of) + 1) % len(PROVIDERS)]) for name, of in SAME]


def as_carried(sdk, provider):
    """The mail, less what this client has no field for, and what this provider's account has none for."""
    mail = replace(RICH, tags=()) if sdk in ("resend", "ses") or provider == "ses" else RICH
    return replace(mail, tags=(), metadata={}) if provider == "resend" else mail


def alike(draft):
    """A provider may go by a file's name for its type; and SendGrid's client gives the last file first."""
    found = sorted(draft.attachments, key=lambda each: each.filename)
    return replace(draft, attachments=[(each.filename, each.content, each.content_id) for each in found])


@pytest.mark.parametrize(("sdk", "house", "provider"), [(a, b, b) for a, b in SAME + OTHER], indirect=["house"])
async def test_a_mail_arrives_as_its_client_has_written_it(sdk, house, provider):
    client = house.client(sdk)
    mail = await house.caught(await client.send(client.rich()))
    assert mail.provider == provider
    assert asdict(alike(mail.draft)) == asdict(alike(as_carried(sdk, provider)))


def in_scripts(sdk):
    """SES's tags are ASCII by its rules, and its client has no others; as Resend's has no tags without values."""
    less = {"resend": {"tags": ()}, "ses": {"tags": (), "metadata": {"order": "7"}}}
    return replace(SCRIPTS, **less.get(sdk, {}))


@pytest.mark.parametrize("sdk", SDKS)
async def test_every_field_may_be_in_any_script(sdk, house):
    client, mail = house.client(sdk), in_scripts(sdk)
    caught = await house.caught(await client.send(client.rich(mail)))
    assert asdict(alike(caught.draft)) == asdict(alike(mail))


@pytest.mark.parametrize("sdk", SDKS)
async def test_a_plain_mail_arrives(sdk, house):
    client = house.client(sdk)
    draft = (await house.caught(await client.send(client.plain()))).draft
    assert (draft.sender.email, draft.to[0].email, draft.subject, draft.text) == (
        "ann@example.com",
        "bob@example.org",
        "Hello",
        "It works",
    )


def _iso(at):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))


async def refusal_of(client, mail):
    """What a user of the client catches."""
    try:
        answer = await (client.answer(mail) if hasattr(client, "answer") else client.send(mail))
    except Exception as error:  # noqa: BLE001  of whatever class: that is the question
        return error
    return answer


REFUSALS = {
    "sendgrid": (python_http_client.exceptions.BadRequestsError, python_http_client.exceptions.UnauthorizedError),
    "resend": (resend.exceptions.ValidationError, resend.exceptions.InvalidApiKeyError),
    "postmark": (postmark.ValidationException, postmark.InvalidAPIKeyException),
    "postmarker": (postmarker.exceptions.ClientError, postmarker.exceptions.ClientError),
    "ses": ("BadRequestException", "UnrecognizedClientException"),
}


def kind_of(error):
    """AWS's client makes classes as it runs, and names them by a code."""
    return error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error)


@pytest.mark.parametrize("sdk", REFUSALS)
async def test_what_is_wrong_is_raised_as_the_class_that_its_users_catch(sdk, house):
    wrong_mail, wrong_key = REFUSALS[sdk]
    client = house.client(sdk)
    error = await refusal_of(client, client.plain(to="bob@nowhere"))
    assert kind_of(error) == wrong_mail, repr(error)
    error = await refusal_of(house.client(sdk, "nonsense"), client.plain())
    assert kind_of(error) == wrong_key, repr(error)


async def test_mailgun_s_client_is_answered_with_its_words(house):
    client = house.client("mailgun")
    answer = await client.answer(client.plain(to="bob@nowhere"))
    assert (answer.status_code, [*answer.json()]) == (400, ["message"])
    answer = await house.client("mailgun", "nonsense").answer(client.plain())
    assert (answer.status_code, answer.text) == (401, "Forbidden")


@pytest.mark.parametrize("sdk", ["mailgun", "postmark", "ses"])
async def test_a_client_that_repeats_by_itself_sends_one_mail(sdk, house, monkeypatch):
    """The first answers are lost on their way."""
    taken, served = [], house.door.deal

    async def deal(incoming):
        call = await served(incoming)
        taken.append(call.message_id)
        if len(taken) < 3:
            call.reply = replace(call.reply, status=500, body=b"{}")
        return call

    monkeypatch.setattr(house.door, "deal", deal)
    client = house.client(sdk)
    message_id = await client.send(client.plain())
    assert taken == [message_id] * 3
    await house.caught(message_id)


async def test_personalizations_are_mails_of_their_own_with_their_own_words(house):
    mail = sg.Mail("ann@example.com", subject="Hello -name-", plain_text_content="Dear -name-", is_multiple=True)
    for name in ("bob", "zoe"):
        group = sg.Personalization()
        group.add_to(sg.To(f"{name}@example.org"))
        group.add_substitution(sg.Substitution("-name-", name.title()))
        group.add_custom_arg(sg.CustomArg("who", name))
        mail.add_personalization(group)
    mail.add_custom_arg(sg.CustomArg("who", "nobody"))
    await house.caught(await house.client("sendgrid").send(mail))
    found = {each.draft.to[0].email: each.draft for each in await house.all_caught(2)}
    assert {each.subject for each in found.values()} == {"Hello Bob", "Hello Zoe"}
    assert found["zoe@example.org"].text == "Dear Zoe"
    assert found["zoe@example.org"].metadata == {"who": "zoe"}


async def test_what_sendgrid_s_client_schedules_can_be_cancelled_by_its_batch(house):
    client = house.client("sendgrid")
    api = client.client.client
    group = (await asyncio.to_thread(api.mail.batch.post)).to_dict["batch_id"]
    mail = client.plain()
    mail.send_at = sg.SendAt(int(time.time()) + 3600)
    mail.batch_id = sg.BatchId(group)
    message_id = await client.send(mail)
    order = {"batch_id": group, "status": "cancel"}
    answer = await asyncio.to_thread(lambda: api.user.scheduled_sends.post(request_body=order))
    assert answer.status_code == 201
    assert (await house.stored(message_id)).deliveries[0].state == "cancelled"


async def test_sendgrid_s_sandbox_mode_sends_nothing(house):
    client = house.client("sendgrid")
    mail = client.plain()
    mail.mail_settings = sg.MailSettings(sandbox_mode=sg.SandBoxMode(enable=True))
    assert (await asyncio.to_thread(client.client.send, mail)).status_code == 200
    assert (await house.engine.console.counts()).accepted == 0


@pytest.mark.parametrize(("house", "is_taken"), [("sendgrid", True), ("mailgun", False)], indirect=["house"])
async def test_what_only_sendgrid_can_do_goes_to_sendgrid_or_is_refused(house, is_taken):
    client = house.client("sendgrid")
    mail = client.plain()
    mail.tracking_settings = sg.TrackingSettings(click_tracking=sg.ClickTracking(enable=False, enable_text=False))
    if is_taken:
        await house.caught(await client.send(mail))
    else:
        error = await refusal_of(client, mail)
        assert error.to_dict["errors"][0]["field"] == "provider_options.sendgrid"


async def test_sendgrid_s_client_is_told_what_its_key_may_do(house):
    api = house.client("sendgrid").client.client
    assert "mail.send" in (await asyncio.to_thread(api.scopes.get)).to_dict["scopes"]


async def test_resend_s_client_shows_lists_moves_and_cancels(house):
    client = house.client("resend")
    later, moved = (_iso(time.time() + days * 86_400) for days in (1, 2))
    message_id = await client.send(client.plain() | {"scheduled_at": later})
    shown = await asyncio.to_thread(resend.Emails.get, message_id)
    assert (shown["object"], shown["last_event"], shown["to"]) == ("email", "scheduled", ["bob@example.org"])
    moved = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 2 * 86_400))
    assert (await asyncio.to_thread(resend.Emails.update, {"id": message_id, "scheduled_at": moved}))[
        "id"
    ] == message_id
    assert (await asyncio.to_thread(resend.Emails.get, message_id))["scheduled_at"][:19] == moved[:19]
    assert (await asyncio.to_thread(resend.Emails.cancel, message_id))["id"] == message_id
    listed = await asyncio.to_thread(resend.Emails.list)
    assert [(each["id"], each["last_event"]) for each in listed["data"]] == [(message_id, "canceled")]
    assert listed["has_more"] is False


async def test_resend_s_client_sends_a_batch_and_names_its_requests(house):
    client = house.client("resend")
    mails = [client.plain(), client.plain(to="zoe@example.org")]
    sent = await asyncio.to_thread(resend.Batch.send, mails)
    for each in sent["data"]:
        await house.caught(each["id"])
    first = await client.send(client.plain(), idempotency_key="k")
    assert await client.send(client.plain(), idempotency_key="k") == first
    with pytest.raises(resend.exceptions.ResendError) as caught:
        await client.send(client.plain(to="dan@example.org"), idempotency_key="k")
    assert (caught.value.code, caught.value.error_type) == (409, "invalid_idempotent_request")


async def test_each_mail_of_postmark_s_batch_has_its_own_answer(house):
    client = house.client("postmarker")
    answers = await asyncio.to_thread(client.client.emails.send_batch, client.plain(), client.plain(to="bob@nowhere"))
    assert [each["ErrorCode"] for each in answers] == [0, 300]
    assert answers[0]["To"] == "bob@example.org"
    await house.caught(answers[0]["MessageID"])


async def test_postmark_s_strict_client_reads_a_batch_in_which_a_mail_is_refused(house):
    client = house.client("postmark")
    mails = [client.plain(), client.plain(to="bob@nowhere")]
    sent, refused = await client.client.outbound.send_batch(mails)
    assert (sent.success, refused.success, refused.error_code) == (True, False, 300)
    assert (sent.to, refused.to) == ("bob@example.org", "bob@nowhere")
    await house.caught(sent.message_id)


async def test_recipient_variables_make_a_mail_for_each(house):
    data = {
        "from": "ann@example.com",
        "to": ["bob@example.org", "zoe@example.org"],
        "subject": "Hello %recipient.name%",
        "text": "You are number %recipient.number%",
        "recipient-variables": '{"bob@example.org": {"name": "Bob", "number": 1},'
        ' "zoe@example.org": {"name": "Zoe", "number": 2}}',
    }
    await house.caught(await house.client("mailgun").send((data, None)))
    found = {(each.draft.to, each.draft.subject, each.draft.text) for each in await house.all_caught(2)}
    assert {(to[0].email, subject, text) for to, subject, text in found} == {
        ("bob@example.org", "Hello Bob", "You are number 1"),
        ("zoe@example.org", "Hello Zoe", "You are number 2"),
    }


async def test_mailgun_s_client_schedules(house):
    data, _ = house.client("mailgun").plain()
    later = time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime(time.time() + 3600))
    message_id = await house.client("mailgun").send((data | {"o:deliverytime": later}, None))
    assert (await house.stored(message_id)).message.send_at == pytest.approx(time.time() + 3600, abs=5)


async def test_postmark_s_strict_client_reads_what_is_listed(house):
    client = house.client("postmark")
    message_id = await client.send(client.rich())
    await house.caught(message_id)
    bounced = Event(
        id="bounced",
        type=EventType.RECIPIENT_BOUNCED,
        at=time.time(),
        project="default",
        message_id=message_id,
        data={"place": 0, "bounce": "hard", "text": "no such user"},
    )
    await house.engine.ports.store.record([bounced])
    api = client.client
    [mail] = (await api.outbound.list()).items
    assert (mail.message_id, mail.recipients[0]) == (message_id, "bob@example.org")
    assert [each.type for each in (await api.outbound.get(message_id)).message_events] == ["Bounced"]
    [bounce] = (await api.bounces.list()).items
    assert (await api.bounces.get(bounce.id)).details == "no such user"
    assert (await api.bounces.get_dump(bounce.id)).body == ""
    assert (await api.bounces.get_delivery_stats()).inactive_mails == 1
    assert await api.suppressions.dump("outbound") == []
    assert (await api.server.get()).track_links == "None"


async def test_mailgun_s_client_reads_events_and_lists(house):
    client = house.client("mailgun")
    message_id = await client.send(client.plain())
    api, domain = client.client, "mg.example.com"
    events = await asyncio.to_thread(api.events.get, domain=domain, filters={"message-id": message_id})
    assert [each["event"] for each in events.json()["items"]] == ["accepted"]
    bounces = await asyncio.to_thread(api.bounces.get, domain=domain)
    assert bounces.json()["items"] == []


async def test_sendgrid_s_client_reads_and_changes_its_lists(house):
    _, token = await house.engine.keyring.create("default", Scope.ADMIN, "lists")
    api = house.client("sendgrid", token).client.client
    told = await asyncio.to_thread(
        api.asm.suppressions._("global").post, request_body={"recipient_emails": ["bob@example.org"]}
    )
    assert (told.status_code, told.to_dict) == (201, {"recipient_emails": ["bob@example.org"]})
    one = api.asm.suppressions._("global")._("bob@example.org")
    assert (await asyncio.to_thread(one.get)).to_dict == {"recipient_email": "bob@example.org"}
    listed = await asyncio.to_thread(api.suppression.unsubscribes.get, query_params={"limit": 1})
    assert [each["email"] for each in listed.to_dict] == ["bob@example.org"]
    assert (await asyncio.to_thread(one.delete)).status_code == 204
    for name in ("bounces", "blocks", "spam_reports", "invalid_emails"):
        assert (await asyncio.to_thread(getattr(api.suppression, name).get)).to_dict == []
    many = {"emails": ["bob@example.org"]}
    assert (await asyncio.to_thread(api.suppression.bounces.delete, request_body=many)).status_code == 204
    with pytest.raises(python_http_client.exceptions.NotFoundError):
        await asyncio.to_thread(api.suppression.bounces._("bob@example.org").delete)
