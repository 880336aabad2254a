"""The official clients of providers for Node, pointed at Everpost and else as they come. None of them repeats a call by
itself, but AWS's."""

import asyncio
import time
from functools import partial

import msgspec
import pytest
import pytest_asyncio
from msgspec.structs import asdict, replace

import node_kit
from dropins.conftest import opened
from everpost.entrypoints.http.door import LOCAL
from everpost.model.event import Event, EventType
from everpost.model.key import Scope
from everpost.model.message import Address, Draft
from everpost.model.template import Template
from everpost.store.port import StoreUnavailable
from node_kit import Refused
from sdks import RICH, SCRIPTS

pytestmark = pytest.mark.asyncio(loop_scope="module")
SDKS = ("sendgrid", "mailgun", "resend", "postmark", "ses")
WITHIN_MS = 1000  # what a client waits for an answer; the server needs some milliseconds
PLAIN = Draft(sender=Address("ann@example.com"), to=(Address("bob@example.org"),), subject="Hello", text="It works")


class Client:
    """A client that is pointed at the house."""

    def __init__(self, driver, house, token=None):
        self._ask = partial(driver.ask, url=house.url, key=token or house.token)

    async def __call__(self, action, input_=None):
        return await asyncio.to_thread(self._ask, action, input_)

    async def send(self, mail, **more):
        return await self("send", words(mail, **more))

    async def refusal(self, mail, **more):
        """What its users catch."""
        with pytest.raises(Refused) as caught:
            await self.send(mail, **more)
        return caught.value.seen


def words(mail, **more):
    return msgspec.to_builtins(mail) | more


def about(subject, mail=PLAIN, **more):
    """A mail that no other test sends."""
    return replace(mail, subject=subject, **more)


@pytest.fixture(scope="module")
def drivers():
    """Those that a test has asked for, started once for all tests."""
    node_kit.install()
    started = {}
    yield lambda name: started.get(name) or started.setdefault(name, node_kit.Driver(name))
    for driver in started.values():
        driver.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory):
    """One for all tests; its account is at Mailgun, which carries the most."""
    async with opened("mailgun", tmp_path_factory.mktemp("house")) as house:
        yield house


@pytest.fixture
def client(drivers, house):
    return lambda name, token=None: Client(drivers(name), house, token)


def alike(draft):
    """A provider may go by a file's name for its type, and a client may give the files in another order."""
    found = sorted(draft.attachments, key=lambda each: each.filename)
    return asdict(replace(draft, attachments=[(each.filename, each.content, each.content_id) for each in found]))


@pytest.mark.parametrize("sdk", SDKS)
async def test_a_mail_arrives_as_its_client_has_written_it(sdk, house, client):
    mail = about(f"Grüße ✓ {sdk}", RICH, tags=() if sdk in ("resend", "ses") else RICH.tags)
    caught = await house.caught(await client(sdk).send(mail))
    assert alike(caught.draft) == alike(mail)


@pytest.mark.parametrize("sdk", SDKS)
async def test_every_field_may_be_in_any_script(sdk, house, client):
    """SES's tags are ASCII by its rules, and neither its client nor Resend's has tags without values."""
    less = {"resend": {"tags": ()}, "ses": {"tags": (), "metadata": {"order": "7"}}}
    mail = about(f"日本 ✓ 😀 {sdk}", SCRIPTS, **less.get(sdk, {}))
    caught = await house.caught(await client(sdk).send(mail))
    assert alike(caught.draft) == alike(mail)


@pytest.mark.parametrize("sdk", SDKS)
async def test_a_plain_mail_arrives(sdk, house, client):
    mail = about(f"Plain {sdk}")
    assert asdict((await house.caught(await client(sdk).send(mail))).draft) == asdict(mail)


MAIL_ERRORS = {
    "sendgrid": {"class": "ResponseError", "code": 400},
    "mailgun": {"type": "MailgunAPIError", "status": 400},
    "resend": {"name": "validation_error", "statusCode": 422},
    "postmark": {"name": "InvalidEmailRequestError", "code": 300, "statusCode": 422},
    "ses": {"class": "BadRequestException", "name": "BadRequestException", "$fault": "client"},
}
KEY_ERRORS = {
    "sendgrid": {"class": "ResponseError", "code": 401},
    "mailgun": {"type": "MailgunAPIError", "status": 401, "details": "Forbidden"},
    "resend": {"name": "invalid_api_key", "statusCode": 403},
    "postmark": {"name": "InvalidAPIKeyError", "code": 10, "statusCode": 401},
    "ses": {"class": "SESv2ServiceException", "name": "UnrecognizedClientException"},
}


@pytest.mark.parametrize("sdk", SDKS)
async def test_what_is_wrong_is_thrown_as_its_users_catch_it(sdk, client):
    wrong_mail = await client(sdk).refusal(replace(PLAIN, to=(Address("bob@nowhere"),)))
    assert wrong_mail.items() >= MAIL_ERRORS[sdk].items()
    assert "nowhere" in str(wrong_mail)
    wrong_key = await client(sdk, "nonsense").refusal(PLAIN)
    assert wrong_key.items() >= KEY_ERRORS[sdk].items()


BUSY_ERRORS = {
    "sendgrid": {"class": "ResponseError", "code": 429},
    "mailgun": {"type": "MailgunAPIError", "status": 429},
    "resend": {"name": "rate_limit_exceeded", "statusCode": 429},
    "postmark": {"name": "RateLimitExceededError", "code": 429, "statusCode": 429},
    "ses": {"class": "TooManyRequestsException", "name": "TooManyRequestsException"},
}
AWAY_ERRORS = {
    "sendgrid": {"class": "ResponseError", "code": 503},
    "mailgun": {"type": "MailgunAPIError", "status": 503},
    "resend": {"name": "application_error", "statusCode": 500},
    "postmark": {"name": "ServiceUnavailablerError", "code": 100, "statusCode": 503},
    "ses": {"name": "ServiceUnavailableException", "$fault": "server"},
}


@pytest.mark.parametrize("sdk", SDKS)
async def test_what_can_t_be_taken_now_is_thrown_as_its_users_catch_it(sdk, house, client, monkeypatch):
    async def accept(*_, **__):
        raise StoreUnavailable("the disk is full")

    with monkeypatch.context() as changed:
        changed.setattr(house.engine.ports.store, "accept", accept)
        away = await client(sdk).refusal(about(f"Away {sdk}"))
    monkeypatch.setattr(house.door.gate.admission, "enter", lambda _: None)
    busy = await client(sdk).refusal(about(f"Busy {sdk}"))
    assert away.items() >= AWAY_ERRORS[sdk].items(), away
    assert busy.items() >= BUSY_ERRORS[sdk].items(), busy


@pytest.fixture
def slow(house, monkeypatch):
    """The mail of each request so far. The first one is answered when the second one has come."""
    taken, served, again = [], house.door.deal, asyncio.Event()

    async def deal(incoming):
        call = await served(incoming)
        taken.append(call.message_id)
        if len(taken) == 1:
            async with asyncio.timeout(20):
                await again.wait()
        again.set()
        return call

    monkeypatch.setattr(house.door, "deal", deal)
    return taken


@pytest.mark.parametrize("sdk", [sdk for sdk in SDKS if sdk != "resend"])
async def test_a_call_that_is_not_answered_in_time_and_made_again_sends_one_mail(sdk, slow, client):
    """By AWS's client itself; by the users of the others. Resend's waits without end."""
    mail = about(f"Slow {sdk}")
    if sdk != "ses":
        await client(sdk).refusal(mail, within_ms=WITHIN_MS)
    assert slow == [await client(sdk).send(mail, within_ms=WITHIN_MS)] * 2


@pytest.fixture
def taken(house, monkeypatch):
    """The mail of each request so far. The answer to the first one is lost."""
    taken, served = [], house.door.deal

    async def deal(incoming):
        call = await served(incoming)
        taken.append(call.message_id)
        if len(taken) == 1:
            call.reply = replace(call.reply, status=500, body=b"{}")
        return call

    monkeypatch.setattr(house.door, "deal", deal)
    return taken


async def test_a_call_that_aws_s_client_makes_again_by_itself_sends_one_mail(taken, client):
    assert taken == [await client("ses").send(about("Lost and repeated"))] * 2


@pytest.mark.parametrize("sdk", [sdk for sdk in SDKS if sdk != "ses"])
async def test_a_call_that_is_made_again_since_its_answer_was_lost_sends_one_mail(sdk, taken, client):
    mail = about(f"Lost {sdk}")
    await client(sdk).refusal(mail)
    assert taken == [await client(sdk).send(mail)] * 2


def soon():
    return int(time.time()) + 86_400


async def state(house, message_id):
    return (await house.stored(message_id)).deliveries[0].state


async def test_sendgrid_s_client_schedules_and_cancels_by_a_batch(house, client):
    sendgrid, at = client("sendgrid"), soon()
    group = await sendgrid("group")
    message_id = await sendgrid.send(about("Later", send_at=at), batch=group)
    assert (await house.stored(message_id)).message.send_at == at
    assert await sendgrid("cancel", group) == "cancel"
    assert await state(house, message_id) == "cancelled"


async def test_sendgrid_s_client_sends_many(house, client):
    sendgrid = client("sendgrid")
    for message_id in await sendgrid("batch", [words(about("One of many")), words(about("Another of many"))]):
        await house.caught(message_id)
    two = (Address("bob@example.org", "Bob"), Address("zoe@example.org", "Zoë"))
    first = await sendgrid("apart", words(about("To each alone", to=two)))
    assert (await house.caught(first)).draft.to == two[:1]
    with pytest.raises(Refused) as caught:
        await sendgrid("batch", [words(replace(PLAIN, to=(Address("bob@nowhere"),)))])
    [fault] = caught.value.seen["response"]["body"]["errors"]
    assert fault["field"] == "personalizations[0].to[0]"


async def test_mailgun_s_client_schedules_and_sends_to_each_alone(house, client):
    at = soon()
    message_id = await client("mailgun").send(about("Later", send_at=at))
    assert (await house.stored(message_id)).message.send_at == at
    variables = {"bob@example.org": {"name": "Bob"}}
    first = await client("mailgun").send(about("Hello %recipient.name%"), variables=variables)
    assert (await house.caught(first)).draft.subject == "Hello Bob"


async def test_resend_s_client_schedules_moves_cancels_and_looks(house, client):
    resend = client("resend")
    message_id = await resend.send(about("Later", send_at=soon()))
    moved = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(soon() + 86_400))
    assert await resend("move", {"id": message_id, "to": f"{moved}Z"}) == message_id
    shown = await resend("get", message_id)
    assert (shown["last_event"], shown["scheduled_at"][:19]) == ("scheduled", moved)
    assert await resend("cancel", message_id) == message_id
    listed = await resend("list", {"limit": 1})
    assert [(each["id"], each["last_event"]) for each in listed["data"]] == [(message_id, "canceled")]


async def test_resend_s_client_sends_a_batch_and_names_its_calls(house, client):
    resend = client("resend")
    for message_id in await resend("batch", [words(about("One of a batch")), words(about("Two of a batch"))]):
        await house.caught(message_id)
    first = await resend.send(about("Named"), key="named")
    assert await resend.send(about("Named"), key="named") == first
    other = await resend.refusal(about("Other"), key="named")
    assert (other["name"], other["statusCode"]) == ("invalid_idempotent_request", 409)


async def test_each_mail_of_postmark_s_batch_has_its_own_answer(house, client):
    wrong = replace(PLAIN, to=(Address("bob@nowhere"),))
    told = await client("postmark")("batch", [words(about("One of a batch")), words(wrong)])
    assert [each["ErrorCode"] for each in told] == [0, 300]
    await house.caught(told[0]["MessageID"])


async def test_mailgun_s_client_finds_its_domain(client):
    assert await client("mailgun")("domains") == [["mg.example.com", "active"]]
    assert await client("mailgun")("domain", "other.example.com") == "active"


async def test_mailgun_s_client_polls_events_as_ghost_does(house, client):
    mailgun = client("mailgun")
    sent = [await mailgun.send(about(f"Polled {number}", tags=("ghost-email",))) for number in range(3)]
    begin = (await house.stored(sent[0])).message.created_at
    for number, message_id in enumerate(sent):
        opened = Event(
            id=f"opened:{number}",
            type=EventType.RECIPIENT_OPENED,
            at=begin,
            project="default",
            message_id=message_id,
            data={"place": 0},
        )
        await house.engine.ports.store.record([opened])
    question = {"limit": 2, "event": "delivered OR opened OR failed", "tags": "ghost-email", "ascending": "yes"}
    told = await mailgun("poll", question | {"begin": begin, "end": begin + 3600})
    assert [[each["recipient"] for each in page] for page in told["found"]] == [
        ["bob@example.org"] * 2,
        ["bob@example.org"],
    ]
    ids = [each["message"]["headers"]["message-id"].partition("@")[0] for page in told["found"] for each in page]
    assert ids == sent
    assert [each["id"] for each in told["back"]] == ["opened:1", "opened:2"]


async def test_postmark_s_client_finds_mails_and_bounces(house, client):
    postmark = client("postmark")
    message_id = await postmark.send(about("Found", tags=("found",)))
    await house.caught(message_id)
    found = await postmark("found", {"count": 5, "tag": "found"})
    assert [each["MessageID"] for each in found["Messages"]] == [message_id]
    assert (await postmark("details", message_id))["TextBody"] == "It works"
    bounced = Event(
        id="bounced",
        type=EventType.RECIPIENT_BOUNCED,
        at=time.time(),
        project="default",
        message_id=message_id,
        data={"place": 0, "bounce": "hard"},
    )
    await house.engine.ports.store.record([bounced])
    [bounce] = (await postmark("bounces", {"messageID": message_id}))["Bounces"]
    assert (bounce["Type"], bounce["Email"]) == ("HardBounce", "bob@example.org")
    assert await postmark("bounce", bounce["ID"]) == bounce
    assert (await postmark("statistics"))["InactiveMails"] == 1
    assert (await postmark("server"))["DeliveryType"] == "Live"


@pytest_asyncio.fixture(loop_scope="module")
async def administrator(drivers, house):
    _, token = await house.engine.keyring.create("default", Scope.ADMIN, "lists")
    return lambda name: Client(drivers(name), house, token)


async def test_mailgun_s_client_keeps_its_lists(administrator):
    mailgun = administrator("mailgun")
    for name, entry in (
        ("bounces", {"address": "b@example.net", "code": 550, "error": "no such user"}),
        ("complaints", [{"address": "c@example.net"}, {"address": "d@example.net"}]),
        ("unsubscribes", {"address": "u@example.net", "tag": "*"}),
    ):
        addresses = [each["address"] for each in (entry if isinstance(entry, list) else [entry])]
        assert "added" in await mailgun("put", {"list": name, "entry": entry})
        assert await mailgun("listed", name) == addresses
        for address in addresses:
            assert await mailgun("taken", {"list": name, "address": address}) == address
        assert await mailgun("listed", name) == []


async def test_postmark_s_client_keeps_its_list(administrator):
    postmark = administrator("postmark")
    both = ["p@example.net", "q@example.net"]
    assert [each["Status"] for each in (await postmark("suppress", both))["Suppressions"]] == ["Suppressed"] * 2
    assert await postmark("suppressed") == both
    await postmark("unsuppress", both)
    assert await postmark("suppressed") == []


WHOLE = (
    "From: Ann <ann@example.com>\r\nTo: team@example.com\r\nSubject: Whole\r\n"
    "Date: Thu, 01 Jan 2026 09:00:00 +0000\r\nMessage-ID: <whole@example.com>\r\n\r\nAs it stands\r\n"
)


async def test_mailgun_s_client_sends_a_whole_mail_to_those_of_its_envelope(house, client):
    sent = {"to": ["bob@example.org", "zoe@example.org"], "message": WHOLE}
    whole = await client("mailgun")("whole", sent)
    caught = await house.caught(whole)
    assert caught.whole.decode() == WHOLE
    assert [each.email for each in (await house.stored(whole)).message.recipients] == [
        "bob@example.org",
        "zoe@example.org",
    ]
    assert await client("mailgun")("whole", {"to": ["bob@example.org", "zoe@example.org"], "message": WHOLE}) == whole


async def test_aws_s_client_sends_whole_mails_and_many(house, client):
    whole = "From: ann@example.com\nTo: bob@example.org\nSubject: Whole\n\nIt works\n"
    assert (await house.caught(await client("ses")("raw", whole))).draft.subject == "Whole"
    template = {"TemplateContent": {"Subject": "Hello {{name}}", "Text": "It works"}, "TemplateData": '{"name": "Bob"}'}
    entries = [{"Destination": {"ToAddresses": [to]}} for to in ("bob@example.org", "nowhere")]
    many = {"FromEmailAddress": "ann@example.com", "DefaultContent": {"Template": template}}
    told = await client("ses")("bulk", many | {"BulkEmailEntries": entries})
    assert [each["Status"] for each in told] == ["SUCCESS", "INVALID_PARAMETER"]
    assert (await house.caught(told[0]["MessageId"])).draft.subject == "Hello Bob"


@pytest.mark.parametrize("sdk", SDKS)
async def test_a_template_that_is_kept_here_is_filled_in(sdk, house, client):
    kept = Template(id="d-welcome", project="default", subject="Hello {{name}}", text=f"By {sdk}")
    await house.engine.acceptor.templates.put(LOCAL, kept)
    sent = {"id": "d-welcome", "data": {"name": "Bob"}, "from": "ann@example.com", "to": "bob@example.org"}
    draft = (await house.caught(await client(sdk)("template", sent))).draft
    assert (draft.subject, draft.text, draft.to) == ("Hello Bob", f"By {sdk}", (Address("bob@example.org"),))


async def test_nodemailer_s_transport_for_ses_hands_whole_mails_over(house, client):
    sent = {
        "from": "Änn Example <ann@example.com>",
        "to": "bob@example.org",
        "bcc": "eve@example.org",
        "subject": "Grüße, by SES",
        "text": "Grüße",
        "attachments": [{"filename": "lögo.txt", "content": "logo"}],
    }
    stored = (await house.stored(await client("nodemailer")("ses", sent))).message
    assert [each.email for each in stored.recipients] == ["bob@example.org", "eve@example.org"]
    draft = (await house.caught(stored.id)).draft
    assert (draft.subject, draft.text.strip(), draft.bcc) == ("Grüße, by SES", "Grüße", (Address("eve@example.org"),))
    assert [(each.filename, each.content) for each in draft.attachments] == [("lögo.txt", b"logo")]


async def test_sendgrid_s_client_asks_of_its_account(client):
    sendgrid = client("sendgrid")
    assert (await sendgrid("get", "/v3/user/account"))["type"] == "paid"
    assert "company" in await sendgrid("get", "/v3/user/profile")
    credits_ = await sendgrid("get", "/v3/user/credits")
    assert credits_["remain"] + credits_["used"] == credits_["total"]
    assert "mail.send" in (await sendgrid("get", "/v3/scopes"))["scopes"]


async def test_resend_s_client_finds_its_domain(client):
    resend = client("resend")
    assert [each["name"] for each in await resend("domains")] == ["mg.example.com"]
    assert (await resend("domain", "mg.example.com"))["status"] == "verified"
    with pytest.raises(Refused) as caught:
        await resend("domain", "other.example.com")
    assert caught.value.seen["name"] == "not_found"
