"""What is peculiar to Amazon SES: signatures made as a request leaves, throttling that comes with 400, two forms of
content, and AWS's own description of the API."""

import asyncio
import base64
import json
from random import Random

import boto3
import botocore.loaders
import botocore.model
import botocore.validate
import pytest
from botocore.config import Config
from hypothesis import given, settings
from msgspec.structs import replace

from drafts import drafts
from everpost.model.message import Address, Attachment
from everpost.model.outcome import Kind
from everpost.providers.contract import Fault, HttpResponse, outcome_of
from everpost.providers.ses import adapter as ses
from everpost.sandbox.sandbox import Sandbox
from everpost.wiring.cloud import Cloud
from provider_cases import DRAFT, ID, account_of, body_of, built
from scripted_server import ScriptedServer
from wire_kit import patient

OWN_KEYS = {"access_key_id": "", "secret_access_key": ""}  # whoever the process is
SIMPLE = replace(DRAFT, attachments=())


@pytest.fixture
async def sandbox():
    sandbox = Sandbox(random=Random(7))
    await sandbox.start()
    yield sandbox
    await sandbox.stop()


@pytest.fixture
async def cloud(request):
    cloud = Cloud(getattr(request, "param", {}))
    yield cloud
    await cloud.wire.close()


async def sent(cloud, url, draft=SIMPLE, **settings):
    """What came of handing over the mail, by the wire that signs."""
    account = account_of("ses", {"base_url": url} | settings)
    request = ses.PROVIDER.build(draft, ID, account)
    answer = await cloud.to_providers.send(request, patient(), asyncio.get_running_loop().time() + 60)
    return answer, outcome_of(ses.PROVIDER, answer, account)


# --- who asks --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("draft", [SIMPLE, DRAFT], ids=["simple", "raw"])
async def test_a_mail_is_signed_with_the_accounts_keys_and_arrives_whole(sandbox, cloud, draft):
    _, outcome = await sent(cloud, sandbox.url("ses"), draft)
    assert outcome.kind is Kind.ACCEPTED
    [caught] = sandbox.inbox.find(ID)
    assert caught.provider_message_id == outcome.provider_message_id
    assert {each.email for each in caught.draft.recipients} == {each.email for each in draft.recipients}
    assert [each.content for each in caught.draft.attachments] == [each.content for each in draft.attachments[::-1]]
    assert (caught.draft.subject, caught.draft.headers) == (draft.subject, draft.headers)


async def test_a_key_that_is_not_let_in_is_the_accounts_fault(sandbox, cloud):
    sandbox.conduct.rejected_keys = frozenset({"AKIAEXAMPLE"})
    _, outcome = await sent(cloud, sandbox.url("ses"))
    assert (outcome.kind, outcome.account_fault) == (Kind.REFUSED, True)


async def test_without_keys_a_role_signs_and_one_whose_time_is_over_is_asked_for_anew():
    keys = {
        "AccessKeyId": "ASIAROLE",
        "SecretAccessKey": "s",
        "Token": "role-token-7",
        "Expiration": "2999-01-01T00:00:00Z",
    }
    body = json.dumps(keys).encode()

    async def role(peer):
        await peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%b" % (len(body), body))

    async def too_late(peer):
        await peer.request()
        peer.send(b"HTTP/1.1 403 No\r\nx-amzn-errortype: ExpiredTokenException\r\ncontent-length: 2\r\n\r\n{}")

    async with ScriptedServer(role) as house, ScriptedServer(too_late) as provider:
        cloud = Cloud({"AWS_CONTAINER_CREDENTIALS_FULL_URI": house.url})
        try:
            for asked in (1, 2):
                _, outcome = await sent(cloud, provider.url, **OWN_KEYS)
                assert outcome.kind is Kind.UNAVAILABLE
                assert len(house.requests) == asked
        finally:
            await cloud.wire.close()
    assert b"Credential=ASIAROLE/" in provider.requests[0]
    assert b"X-Amz-Security-Token: role-token-7" in provider.requests[0]


async def test_whoever_is_nobody_on_aws_sends_nothing(cloud, monkeypatch):
    monkeypatch.setattr("everpost.aws.credentials.METADATA_HOST", "http://nobody.invalid")
    async with ScriptedServer(lambda peer: peer.until_left()) as provider:
        answer, outcome = await sent(cloud, provider.url, **OWN_KEYS)
        assert isinstance(answer, Fault)
        assert provider.connections == 0
    assert outcome.kind is Kind.UNAVAILABLE
    assert "no AWS credentials" in outcome.text


# --- answers ---------------------------------------------------------------------------------------------------------


def test_throttling_as_400_is_no_judgement_on_the_mail():
    body = b'{"message": "Maximum sending rate exceeded."}'
    said = HttpResponse(status=400, headers={"x-amzn-errortype": "ThrottlingException"}, body=body)
    outcome = outcome_of(ses.PROVIDER, said, account_of("ses"))
    assert (outcome.kind, outcome.retry_after_s) == (Kind.THROTTLED, 1.0)


# --- AWS's own -------------------------------------------------------------------------------------------------------

MODEL = botocore.model.ServiceModel(botocore.loaders.Loader().load_service_model("sesv2", "service-2"))
SHAPE = MODEL.operation_model("SendEmail").input_shape


@settings(max_examples=60)
@given(draft=drafts())
def test_every_request_is_as_aws_describes_it(draft):
    body = body_of(built("ses", draft))
    unknown = [*body.keys() - SHAPE.members.keys()]
    if "Raw" in body["Content"]:
        body["Content"]["Raw"]["Data"] = base64.b64decode(body["Content"]["Raw"]["Data"])
    report = botocore.validate.ParamValidator().validate(body, SHAPE)
    assert (unknown, report.generate_report()) == ([], "")


def by_boto3(url, **email):
    client = boto3.client(
        "sesv2",
        region_name="eu-central-1",
        endpoint_url=url,
        aws_access_key_id="AKIA1",
        aws_secret_access_key="s",
        config=Config(retries={"total_max_attempts": 1}),
    )
    try:
        return client.send_email(**email)
    finally:
        client.close()


@pytest.mark.parametrize(
    "content",
    [
        {"Simple": {"Subject": {"Data": "Hello"}, "Body": {"Text": {"Data": "It works"}}}},
        {"Raw": {"Data": b"From: ann@example.com\r\nTo: bob@example.org\r\nSubject: Hello\r\n\r\nIt works"}},
    ],
    ids=["simple", "raw"],
)
async def test_awss_own_client_sends_by_the_sandbox(sandbox, content):
    email = {"FromEmailAddress": "ann@example.com", "Destination": {"ToAddresses": ["bob@example.org"]}}
    answer = await asyncio.to_thread(by_boto3, sandbox.url("ses"), **email, Content=content)
    [caught] = sandbox.inbox.list()
    assert answer["MessageId"] == caught.provider_message_id
    assert caught.draft.to == (Address("bob@example.org"),)
    assert (caught.draft.subject, caught.draft.text) == ("Hello", "It works")


def test_the_largest_mail_fits_into_what_it_takes():
    """40 MB of the whole mail, attachments in base64."""
    large = Attachment(filename="a", content_type="a/b", content=bytes(ses.PROVIDER.limits.content_bytes_max))
    body = body_of(built("ses", replace(DRAFT, attachments=(large,))))
    assert len(base64.b64decode(body["Content"]["Raw"]["Data"])) < 40_000_000
