"""Calls of AWS: what is repeated, what is not, and what the caller is told, over real sockets."""

import pytest

from aws_kit import client_of
from everpost.aws import AwsError, CredentialChain, Credentials, Site
from everpost.engine.wire import NetworkWire
from scripted_server import ScriptedServer, refusing_port

THROTTLED = (400, b'{"__type":"com.amazonaws.dynamodb.v20120810#ThrottlingException","message":"Slow"}')
CONFLICT = (
    400,
    b'{"__type":"x#TransactionCanceledException","CancellationReasons":[{"Code":"None"},{"Code":"TransactionConflict"}]}',
)
STOPPED = (400, CONFLICT[1].replace(b'"None"', b'"ConditionalCheckFailed"'))
FAILED = (500, b'{"__type":"InternalServerError","message":"Try again"}')
REFUSED = (400, b'{"__type":"x#ConditionalCheckFailedException","message":"No"}')
EXPIRED = (400, b'{"__type":"x#ExpiredTokenException","message":"Too old"}')
FINE = (200, b'{"Item":{}}')
LOST = None  # read, and closed without a word


@pytest.fixture
async def wire():
    opened = NetworkWire()
    yield opened
    await opened.close()


def answers(*given):
    """One answer for each request, in order."""
    left = list(given)

    async def script(peer):
        while left:
            await peer.request()
            if (answer := left.pop(0)) is LOST:
                return
            status, body = answer
            peer.send(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body))

    return script


async def called(wire, *given, **options):
    """What a call comes to, and how many requests that took."""
    async with ScriptedServer(answers(*given)) as server:
        try:
            result = await client_of(wire, server.url).call("dynamodb", "GetItem", {"Key": 1}, **options)
        except AwsError as error:
            result = error
        return result, len(server.requests)


async def test_a_call_names_its_operation_and_is_signed(wire):
    async with ScriptedServer(answers(FINE)) as server:
        answer = await client_of(wire, server.url).call("dynamodb", "GetItem", {"Key": 1})
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert answer == {"Item": {}}
    assert body == b'{"Key":1}'
    assert b"X-Amz-Target: DynamoDB_20120810.GetItem" in head
    assert b"Content-Type: application/x-amz-json-1.0" in head
    assert b"/eu-central-1/dynamodb/aws4_request" in head


@pytest.mark.parametrize("passing", [THROTTLED, CONFLICT, FAILED, LOST, EXPIRED])
async def test_what_passes_in_a_moment_is_repeated(wire, passing):
    assert await called(wire, passing, passing, FINE) == ({"Item": {}}, 3)


@pytest.mark.parametrize("final", [REFUSED, STOPPED, (404, b""), (400, b"no JSON")])
async def test_what_stays_as_it_is_is_told_at_once(wire, final):
    error, requests = await called(wire, final)
    assert requests == 1
    assert not error.repeatable
    assert not error.maybe_done


@pytest.mark.parametrize("doubtful", [FAILED, LOST])
async def test_what_may_have_been_done_is_repeated_only_where_that_does_no_harm(wire, doubtful):
    error, requests = await called(wire, doubtful, FINE, repeat_lost=False)
    assert requests == 1
    assert error.maybe_done
    error, requests = await called(wire, THROTTLED, doubtful, FINE, repeat_lost=False)
    assert requests == 2


async def test_a_doubt_stays_whatever_comes_after_it(wire):
    error, requests = await called(wire, LOST, REFUSED)
    assert requests == 2
    assert error.code == "ConditionalCheckFailedException"
    assert error.maybe_done


async def test_repeats_end_with_the_time_of_the_call(wire):
    error, requests = await called(wire, THROTTLED, within_s=0.0)
    assert requests <= 1
    assert error.repeatable


async def test_who_refuses_connections_has_done_nothing(wire):
    with refusing_port() as port:
        client = client_of(wire, f"http://127.0.0.1:{port}")
        with pytest.raises(AwsError) as told:
            await client.call("dynamodb", "GetItem", {}, within_s=0.05)
    assert not told.value.maybe_done


async def test_reasons_of_a_refusal_are_told(wire):
    error, _ = await called(wire, STOPPED)
    assert [reason["Code"] for reason in error.told["CancellationReasons"]] == [
        "ConditionalCheckFailed",
        "TransactionConflict",
    ]


async def test_the_code_of_s3_is_read_from_its_xml(wire):
    body = b"<?xml version='1.0'?><Error><Code>NoSuchKey</Code><Message>Gone</Message></Error>"
    async with ScriptedServer(answers((404, body))) as server:
        with pytest.raises(AwsError, match="NoSuchKey: Gone"):
            await client_of(wire, server.url).get_object("bucket", "a b")
    assert server.requests[0].startswith(b"GET /bucket/a%20b HTTP/1.1\r\n")


async def test_new_credentials_are_asked_for_when_the_old_ones_have_expired(wire):
    class Chain(CredentialChain):
        asked = 0

        async def _ask(self):
            self.asked += 1
            return Credentials(access_key_id=f"KEY{self.asked}", secret_access_key="s")

    async with ScriptedServer(answers(EXPIRED, FINE)) as server:
        client = client_of(wire, server.url)
        client._credentials = Chain({}, client._transport, lambda: 0.0)
        await client.call("dynamodb", "GetItem", {})
    assert [b"Credential=KEY1/" in server.requests[0], b"Credential=KEY2/" in server.requests[1]] == [True, True]


def test_endpoints_are_those_of_the_variables_or_of_the_region():
    site = Site.of({"AWS_REGION": "eu-central-1", "AWS_ENDPOINT_URL_SECRETS_MANAGER": "http://one:1/"})
    assert site.endpoint("dynamodb") == "https://dynamodb.eu-central-1.amazonaws.com"
    assert site.endpoint("secretsmanager") == "http://one:1"
    site = Site.of(
        {"AWS_DEFAULT_REGION": "cn-north-1", "AWS_ENDPOINT_URL": "http://all", "AWS_ENDPOINT_URL_S3": "http://s3"}
    )
    assert (site.endpoint("s3"), site.endpoint("sqs")) == ("http://s3", "http://all")
    assert Site(region="cn-north-1").endpoint("sqs") == "https://sqs.cn-north-1.amazonaws.com.cn"


def test_without_a_region_one_is_told_what_to_set():
    with pytest.raises(ValueError, match="set AWS_REGION"):
        Site.of({})
