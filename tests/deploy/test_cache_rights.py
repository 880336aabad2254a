"""The cache's user may do what the functions ask of the cache, and nothing else."""

import pytest

import valkey
from deploy import rules
from everpost.health.port import Report, Sign
from everpost.valkey import Password
from valkey_kit import health_of, valkey_server

pytestmark = pytest.mark.slow
T = 1_800_000_000.0
USER, PASSWORD = "functions", "any"


@pytest.fixture
def server(built, tmp_path):
    [user] = [one["values"] for one in rules.of(built, "aws_elasticache_user")]
    assert user["authentication_mode"][0]["type"] == "iam"
    with valkey_server(tmp_path) as server:
        server.judge.execute_command("ACL", "SETUSER", USER, f">{PASSWORD}", *user["access_string"].split())
        yield server


async def test_health_is_kept_and_read_by_that_user(server):
    health = health_of(server, login=Password(PASSWORD, USER))
    await health.record([Report(account="one", sign=sign, at=T, text="down", until=T + 60) for sign in Sign])
    assert (await health.board()).keys() == {"one"}
    assert await health.lease("one", T + 1000, T + 2000) in (True, False)
    await health.close()


@pytest.mark.parametrize("asked", ["FLUSHALL", "CONFIG GET *", "KEYS *", "GET everpost:x", "HGETALL other", "ACL LIST"])
def test_that_user_may_do_nothing_else(server, asked):
    other = valkey.Valkey(port=server.port, username=USER, password=PASSWORD)
    with pytest.raises(valkey.exceptions.NoPermissionError):
        other.execute_command(*asked.split())
    other.close()
