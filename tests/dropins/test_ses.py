"""What is peculiar to the door of Amazon SES: whole mails, templates, many at once, the account and its list. Judged by
AWS's own client."""

import asyncio
import json
import re
from email.message import EmailMessage
from itertools import chain

import pytest

from everpost.dialects.dropins import ses
from everpost.entrypoints.http.door import LOCAL
from everpost.model.key import Scope
from everpost.model.suppression import Source, SuppressionDraft
from everpost.model.template import Template

WHOLE = (
    b"From: Ann <ann@example.com>\r\nTo: bob@example.org\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n"
    b"Message-ID: <1@example.com>\r\nDate: Thu, 01 Jan 2026 09:00:00 +0000\r\n"
    b"X-Odd:   kept as it is\r\n\r\nIt works\r\n"
)
UNDATED = EmailMessage()
UNDATED["From"], UNDATED["To"], UNDATED["Subject"] = "ann@example.com", "bob@example.org", "Hello"
UNDATED.set_content("It works")


def raw(data, **fields):
    return {"Content": {"Raw": {"Data": data}}} | fields


def with_template(mail, **template):
    return mail | {"Content": {"Template": template}}


def asked(client, name, **fields):
    return asyncio.to_thread(getattr(client.client, name), **fields)


async def kind_of_refusal(client, name, **fields):
    with pytest.raises(client.client.exceptions.ClientError) as caught:
        await asked(client, name, **fields)
    return type(caught.value).__name__, caught.value.response["Error"]["Code"]


# --- whole mails -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("house", ["ses", "mailgun"], indirect=True)
async def test_a_whole_mail_goes_out_byte_for_byte(house):
    mail = await house.caught(await house.client("ses").send(raw(WHOLE)))
    assert mail.whole.endswith(WHOLE)
    assert re.fullmatch(rb"(X-Everpost-Id: [\w.]+\r\n)?", mail.whole.removesuffix(WHOLE))  # of the account's side


@pytest.mark.parametrize("house", ["resend"], indirect=True)
async def test_a_whole_mail_is_written_anew_where_no_account_takes_it_as_it_is(house):
    draft = (await house.caught(await house.client("ses").send(raw(WHOLE)))).draft
    assert (draft.sender.name, draft.subject, draft.text.strip()) == ("Ann", "Grüße", "It works")
    assert draft.headers["X-Odd"] == "kept as it is"


@pytest.mark.parametrize("house", ["ses"], indirect=True)
async def test_the_request_says_whom_a_whole_mail_is_for(house):
    named = {"ToAddresses": ["bob@example.org"], "BccAddresses": ["dan@example.org"]}
    tags = [{"Name": "order", "Value": "7"}]
    mail = await house.caught(await house.client("ses").send(raw(WHOLE, Destination=named, EmailTags=tags)))
    assert {each.email for each in mail.draft.recipients} == {"bob@example.org", "dan@example.org"}
    assert b"dan@" not in mail.whole
    assert mail.draft.metadata == {"order": "7"}


@pytest.mark.parametrize("house", ["resend"], indirect=True)
async def test_a_mail_that_can_t_be_written_anew_is_refused_with_the_reason(house):
    signed = WHOLE.replace(
        b"\r\n\r\n", b'\r\nContent-Type: multipart/signed; boundary="b"\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n'
    )
    client = house.client("ses")
    with pytest.raises(client.client.exceptions.BadRequestException) as caught:
        await client.send(raw(signed))
    assert "multipart/signed would be broken" in str(caught.value)


async def test_a_mail_without_a_date_gets_one_and_is_one_mail_however_often_it_comes(house, monkeypatch):
    """Its own client signs each try anew, and by that time it is dated."""
    taken, served = [], house.door.deal

    async def deal(incoming):
        later = ("20260101T090000Z", "20260101T090100Z", "20260101T090200Z")[len(taken)].encode()
        incoming.headers[:] = [(name, later if name == b"x-amz-date" else value) for name, value in incoming.headers]
        call = await served(incoming)
        taken.append(call.message_id)
        if len(taken) < 3:
            call.reply = None  # the connection is cut
            incoming.keep_alive = False
        return call

    monkeypatch.setattr(house.door, "deal", deal)
    message_id = await house.client("ses").send(raw(UNDATED.as_bytes()))
    assert taken == [message_id] * 3
    assert b"Date: Thu, 01 Jan 2026 09:00:00 +0000\r\n" in (await house.caught(message_id)).whole


# --- names of calls --------------------------------------------------------------------------------------------------


async def test_two_calls_with_the_same_mail_are_two_mails(house):
    client = house.client("ses")
    assert await client.send(client.plain()) != await client.send(client.plain())


# --- templates -------------------------------------------------------------------------------------------------------


async def test_a_template_that_comes_with_its_values_is_filled_in_for_any_provider(house):
    client = house.client("ses")
    content = {"Subject": "Hello {{name}}", "Text": "No {{ order.no }}, {{paid}}", "Html": "<b>{{name}}</b>"}
    data = json.dumps({"name": "Zoë & {{paid}}", "order": {"no": 7}, "paid": True})
    mail = with_template(client.plain(), TemplateContent=content, TemplateData=data)
    draft = (await house.caught(await client.send(mail))).draft
    assert (draft.subject, draft.text) == ("Hello Zoë & {{paid}}", "No 7, true")
    assert draft.html == "<b>Zoë & {{paid}}</b>"


async def test_a_template_that_is_kept_here_is_filled_in_for_any_provider(house):
    kept = Template(id="welcome", project="default", subject="Hello {{name}}", text="Dear {{name}}")
    await house.engine.acceptor.templates.put(LOCAL, kept)
    client = house.client("ses")
    mail = with_template(client.plain(), TemplateName="welcome", TemplateData='{"name": "Zoë"}')
    draft = (await house.caught(await client.send(mail))).draft
    assert (draft.subject, draft.text) == ("Hello Zoë", "Dear Zoë")


@pytest.mark.parametrize(("house", "is_taken"), [("ses", True), ("mailgun", False)], indirect=["house"])
async def test_a_template_that_ses_keeps_goes_to_ses_or_is_refused(house, is_taken):
    client = house.client("ses")
    mail = with_template(client.plain(), TemplateName="welcome", TemplateData="{}")
    if is_taken:
        await house.caught(await client.send(mail))
    else:
        kind = await kind_of_refusal(client, "send_email", **mail)
        assert kind == ("BadRequestException", "BadRequestException")


# --- many ------------------------------------------------------------------------------------------------------------


def bulk(*entries, **template):
    content = {"TemplateContent": {"Subject": "Hello {{name}}", "Text": "{{word}}"}, "TemplateData": '{"word": "Hi"}'}
    return {
        "FromEmailAddress": "ann@example.com",
        "DefaultContent": {"Template": content | template},
        "DefaultEmailTags": [{"Name": "kind", "Value": "news"}],
        "BulkEmailEntries": [*entries],
    }


def entry(to, **data):
    return {
        "Destination": {"ToAddresses": [to]},
        "ReplacementTags": [{"Name": "who", "Value": to.partition("@")[0]}],
        "ReplacementHeaders": [{"Name": "X-Who", "Value": to}],
        "ReplacementEmailContent": {"ReplacementTemplate": {"ReplacementTemplateData": json.dumps(data)}},
    }


async def test_each_of_many_has_its_own_words_and_its_own_answer(house):
    client = house.client("ses")
    entries = [
        entry("bob@example.org", name="Bob"),
        entry("nowhere", name="Nobody"),
        entry("zoe@example.org", name="Zoe", word="Hey"),
        entry("dan@example.org"),
    ]
    told = (await asked(client, "send_bulk_email", **bulk(*entries)))["BulkEmailEntryResults"]
    assert [each["Status"] for each in told] == ["SUCCESS", "INVALID_PARAMETER", "SUCCESS", "INVALID_PARAMETER"]
    assert "needs an @" in told[1]["Error"]
    assert "no value in TemplateData" in told[3]["Error"]
    bob, zoe = [(await house.caught(told[place]["MessageId"])).draft for place in (0, 2)]
    assert (bob.subject, bob.text, zoe.subject, zoe.text) == ("Hello Bob", "Hi", "Hello Zoe", "Hey")
    assert (zoe.metadata, zoe.headers) == ({"kind": "news", "who": "zoe"}, {"X-Who": "zoe@example.org"})


async def test_an_entry_that_no_account_can_carry_is_told_apart(house):
    client = house.client("ses")
    told = await asked(client, "send_bulk_email", **bulk(entry("bob@example.org", name="Bob"), Attachments=[BIG]))
    assert [each["Status"] for each in told["BulkEmailEntryResults"]] == ["SUCCESS"]
    mail = bulk(entry("bob@example.org"), TemplateName="kept")
    mail["DefaultContent"]["Template"].pop("TemplateContent")
    told = await asked(client, "send_bulk_email", **mail)
    assert [each["Status"] for each in told["BulkEmailEntryResults"]] == ["INVALID_PARAMETER"]


BIG = {"FileName": "a.txt", "RawContent": b"a", "ContentType": "text/plain"}


async def test_an_answer_has_an_id_that_is_in_the_log(house, caplog):
    client = house.client("ses")
    with caplog.at_level("INFO", logger="everpost"):
        answer = await asked(client, "send_email", **client.plain())
        with pytest.raises(client.client.exceptions.BadRequestException) as caught:
            await client.send(client.plain(to="nowhere"))
    logged = [each.request for each in caplog.records if each.message == "request"]
    told = [each["ResponseMetadata"]["RequestId"] for each in (answer, caught.value.response)]
    assert told == logged


# --- refusals --------------------------------------------------------------------------------------------------------


async def test_a_key_that_may_only_read_is_denied(house):
    _, token = await house.engine.keyring.create("default", Scope.READ, "reader")
    client = house.client("ses", token)
    assert (await kind_of_refusal(client, "send_email", **client.plain()))[1] == "AccessDeniedException"


@pytest.mark.parametrize("house", ["resend"], indirect=True)
async def test_a_mail_that_no_account_takes_is_rejected(house):
    client = house.client("ses")
    many = {"ToAddresses": [f"{number}@example.org" for number in range(60)]}
    kind = await kind_of_refusal(client, "send_email", **client.plain() | {"Destination": many})
    assert kind == ("MessageRejected", "MessageRejected")


def test_a_key_stands_where_the_access_key_id_does():
    signed = "AWS4-HMAC-SHA256 Credential={}/20260101/eu-west-1/ses/aws4_request, SignedHeaders=host, Signature=0"
    assert ses.read_key(signed.format("evp_a_b")) == "evp_a_b"
    for other in ("", "Bearer evp_a_b", signed.format("a/b"), signed.format(""), "AWS4-HMAC-SHA256 Credential=evp_a_b"):
        assert ses.read_key(other) in (None, "a")


# --- the account and its list ----------------------------------------------------------------------------------------


async def test_the_account_may_send_as_much_as_it_wants(house):
    client = house.client("ses")
    await house.caught(await client.send(client.plain()))
    told = await asked(client, "get_account")
    assert (told["SendingEnabled"], told["ProductionAccessEnabled"]) == (True, True)
    assert told["SendQuota"]["Max24HourSend"] == -1


async def test_its_list_is_ours(house):
    _, token = await house.engine.keyring.create("default", Scope.ADMIN, "admin")
    client = house.client("ses", token)
    for address, reason in (("a/b@example.org", "BOUNCE"), ("Zoe@example.org", "COMPLAINT")):
        await asked(client, "put_suppressed_destination", EmailAddress=address, Reason=reason)
    found = (await asked(client, "get_suppressed_destination", EmailAddress="a/b@example.org"))["SuppressedDestination"]
    assert (found["EmailAddress"], found["Reason"]) == ("a/b@example.org", "BOUNCE")
    row = await house.engine.console.suppressing.find("default", "zoe@example.org", "")
    assert row.source is Source.COMPLAINT
    await asked(client, "delete_suppressed_destination", EmailAddress="a/b@example.org")
    for name in ("get_suppressed_destination", "delete_suppressed_destination"):
        kind = await kind_of_refusal(client, name, EmailAddress="a/b@example.org")
        assert kind == ("NotFoundException", "NotFoundException")


async def test_its_list_is_told_in_pages_by_reason_and_time(house):
    caller = await house.engine.keyring.find(house.token)
    sources = (Source.BOUNCE, Source.PERSON, Source.BOUNCE, Source.UNSUBSCRIBE, Source.BOUNCE)
    rows = [
        SuppressionDraft(address=f"{place}@example.org", reason="x", source=source)
        for place, source in enumerate(sources)
    ]
    stream = SuppressionDraft(address="0@example.net", reason="x", stream="news")
    await house.engine.console.suppressing.put(caller, [*rows, stream])
    client = house.client("ses")

    async def pages(**narrowed):
        found, token = [], {}
        while True:
            page = await asked(client, "list_suppressed_destinations", PageSize=2, **narrowed, **token)
            found.append([(each["EmailAddress"][0], each["Reason"]) for each in page["SuppressedDestinationSummaries"]])
            if "NextToken" not in page:
                return found
            token = {"NextToken": page["NextToken"]}

    bounces = [[("0", "BOUNCE"), ("2", "BOUNCE")], [("4", "BOUNCE")]]
    others = [("1", "COMPLAINT"), ("3", "COMPLAINT")]
    assert await pages(Reasons=["BOUNCE"]) == bounces
    both = await pages(Reasons=["BOUNCE", "COMPLAINT"])
    assert sorted(chain.from_iterable(both)) == sorted(chain(*bounces, others))
    assert await pages(Reasons=["COMPLAINT"]) == [others]
    assert await pages(EndDate="2020-01-01T00:00:00Z") == [[]]
    kind = await kind_of_refusal(client, "list_suppressed_destinations", NextToken="!")
    assert kind[1] == "InvalidNextTokenException"
