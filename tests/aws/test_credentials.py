"""Where credentials come from, and when they are asked for again."""

import pytest

from everpost.aws import credentials as module
from everpost.aws.credentials import CredentialChain, NoCredentials
from everpost.aws.signing import Credentials
from everpost.engine.wire import NetworkWire
from everpost.wiring.aws import aws_transport
from scripted_server import ScriptedServer

END = 1_800_003_600.0  # 2027-01-15T09:00:00Z
ROLE = b'{"AccessKeyId":"KEY%d","SecretAccessKey":"s","Token":"t","Expiration":"2027-01-15T09:00:00Z","Code":"Success"}'


@pytest.fixture
async def wire():
    opened = NetworkWire()
    yield opened
    await opened.close()


def answering(*bodies):
    """Bodies, or statuses that are no success; then nobody is there any more."""
    left = list(bodies)

    async def script(peer):
        while left:
            await peer.request()
            answer = left.pop(0)
            status, body = (answer, b"") if isinstance(answer, int) else (200, answer)
            peer.send(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body))

    return script


def chain(wire, environ, now=0.0):
    clock = [now]
    made = CredentialChain(environ, aws_transport(wire), lambda: clock[0])
    return made, clock


async def test_the_environment_comes_first(wire):
    made, _ = chain(
        wire,
        {
            "AWS_ACCESS_KEY_ID": "a",
            "AWS_SECRET_ACCESS_KEY": "b",
            "AWS_SESSION_TOKEN": "c",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:9/",
        },
    )
    known = await made.get()
    assert known == Credentials(access_key_id="a", secret_access_key="b", session_token="c")


async def test_a_container_proves_itself_by_its_token(wire, tmp_path):
    (tmp_path / "token").write_text("let me in\n")
    async with ScriptedServer(answering(ROLE % 1)) as server:
        made, _ = chain(
            wire,
            {
                "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{server.url}/role",
                "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(tmp_path / "token"),
            },
        )
        known = await made.get()
    assert b"GET /role HTTP/1.1" in server.requests[0]
    assert b"Authorization: let me in\r\n" in server.requests[0]
    assert (known.access_key_id, known.session_token, known.expires_at) == ("KEY1", "t", END)


async def test_a_machine_is_asked_with_a_token_of_the_second_version(wire, monkeypatch):
    async with ScriptedServer(answering(b"TOKEN", b"my-role", ROLE % 1)) as server:
        monkeypatch.setattr(module, "METADATA_HOST", server.url)
        made, _ = chain(wire, {})
        assert (await made.get()).access_key_id == "KEY1"
    put, listed, role = server.requests
    assert put.startswith(b"PUT /latest/api/token")
    assert listed.startswith(b"GET /latest/meta-data/iam/security-credentials/ ")
    assert role.startswith(b"GET /latest/meta-data/iam/security-credentials/my-role ")
    assert all(b"X-aws-ec2-metadata-token: TOKEN" in asked for asked in (listed, role))


async def test_credentials_are_kept_and_asked_for_again_before_they_end(wire):
    async with ScriptedServer(answering(ROLE % 1, ROLE % 2)) as server:
        made, clock = chain(wire, {"AWS_CONTAINER_CREDENTIALS_FULL_URI": server.url}, END - 3600)
        assert [(await made.get()).access_key_id for _ in range(2)] == ["KEY1", "KEY1"]
        clock[0] = END - module.REFRESH_S
        assert (await made.get()).access_key_id == "KEY2"


async def test_credentials_that_hold_for_a_moment_are_used_while_nobody_gives_new_ones(wire):
    async with ScriptedServer(answering(ROLE % 1, 500, 500)) as server:
        made, clock = chain(wire, {"AWS_CONTAINER_CREDENTIALS_FULL_URI": server.url}, END - 3600)
        await made.get()
        clock[0] = END - 60
        assert (await made.get()).access_key_id == "KEY1"
        clock[0] = END
        with pytest.raises(NoCredentials, match="it answers 500"):
            await made.get()


async def test_who_gives_no_credentials_is_named(wire):
    async with ScriptedServer(answering(b"not JSON")) as server:
        made, _ = chain(wire, {"AWS_CONTAINER_CREDENTIALS_FULL_URI": server.url})
        with pytest.raises(NoCredentials, match="makes no sense"):
            await made.get()
