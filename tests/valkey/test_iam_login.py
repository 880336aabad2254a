"""ElastiCache's login by IAM: its form as AWS's own client makes it, and connections that log in again in time."""

import time
from datetime import UTC, datetime
from urllib.parse import parse_qsl

import pytest
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials

from everpost.aws import CredentialChain, Lost
from everpost.health.port import HealthUnavailable, Report, Sign
from everpost.valkey.iam import CONNECTION_S, TOKEN_S, IamLogin
from valkey_kit import health_of

AT = 1_800_000_000.0
KEYS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "s3cr3t-canary"}
SESSION = {"AWS_SESSION_TOKEN": "a+token/with=signs"}


def login(environ=KEYS, **options):
    chain = CredentialChain(environ, None, time.time)
    return IamLogin("worker-1", "my-cache", chain, "eu-central-1", **({"clock": lambda: AT} | options))


def botocores(environ, query, monkeypatch):
    class Frozen(datetime):
        @classmethod
        def utcnow(cls):
            return cls.fromtimestamp(AT, UTC)

    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda **_: Frozen.utcnow(), raising=False)
    keys = BotoCredentials(
        environ["AWS_ACCESS_KEY_ID"], environ["AWS_SECRET_ACCESS_KEY"], environ.get("AWS_SESSION_TOKEN")
    )
    request = AWSRequest("GET", f"http://my-cache/?{query}", data="")
    SigV4QueryAuth(keys, "elasticache", "eu-central-1", expires=TOKEN_S).add_auth(request)
    return request.url.removeprefix("http://")


@pytest.mark.parametrize("environ", [KEYS, KEYS | SESSION], ids=["user", "role"])
@pytest.mark.parametrize("serverless", [False, True])
async def test_the_token_is_the_one_that_aws_own_client_makes(environ, serverless, monkeypatch):
    query = "Action=connect&User=worker-1" + ("&ResourceType=ServerlessCache" if serverless else "")
    user, token = await login(environ, serverless=serverless)()
    expected = botocores(environ, query, monkeypatch)
    assert user == "worker-1"
    assert token.partition("?")[0] == "my-cache/"
    assert dict(parse_qsl(token)) == dict(parse_qsl(expected))


async def test_a_connection_logs_in_once_and_again_with_a_new_token_when_that_login_ends(valkey, key):
    at = [AT]
    iam = login(clock=lambda: at[0])
    _, first = await iam()
    at[0] += CONNECTION_S
    _, second = await iam()
    at[0] = AT
    user = {"enabled": True, "keys": ["*"], "commands": ["+@all"]}
    valkey.judge.acl_setuser("worker-1", passwords=[f"+{first}", f"+{second}"], **user)
    for iam.lasts_s, logins in ((CONNECTION_S, 1), (0.0, 2)):
        before = calls(valkey)
        health = health_of(valkey, key=key, login=iam)
        await health.board()
        at[0] += iam.lasts_s and 1.0  # the token is another one by now, and not asked for
        await health.record([Report(account="one", sign=Sign.OK, at=AT)])
        assert calls(valkey) - before == logins
        at[0] = AT + CONNECTION_S
        await health.close()
    assert first != second


def calls(server):
    return server.judge.info("commandstats").get("cmdstat_auth", {"calls": 0})["calls"]


async def test_without_credentials_nothing_is_shared_and_the_reason_is_told(valkey, key):
    chain = CredentialChain({"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://x"}, _answers_nothing, time.time)
    health = health_of(valkey, key=key, login=IamLogin("w", "c", chain, "eu-central-1"))
    with pytest.raises(HealthUnavailable, match="no AWS credentials"):
        await health.board()
    await health.close()


async def _answers_nothing(request, seconds):
    return Lost(maybe_sent=False, text="refused")
