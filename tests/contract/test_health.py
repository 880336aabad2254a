"""What every keeper of provider health promises."""

import uuid

import pytest

import judge
from aws_kit import REGION, client_of, ministack
from everpost.engine.wire import NetworkWire
from everpost.health.delivering import HEARD
from everpost.health.dynamodb import DynamoHealth
from everpost.health.memory import MemoryHealth
from everpost.health.own_view import OwnView
from everpost.health.port import BUCKET_S, WINDOW_S, Report, Sign
from everpost.health.records import LOOKS
from everpost.health.sqlite import SqliteHealth
from everpost.model.account import OUTAGE_FAILURES, AccountHealth, Bucket
from valkey_kit import health_of, valkey_server

T = 1_800_000_000.0
PATIENT_S = 20.0  # on a busy machine
SAME_KEYS = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
GONE = type("Server", (), {"port": 1})


@pytest.fixture(scope="module")
def valkey(tmp_path_factory):
    with valkey_server(tmp_path_factory.mktemp("valkey")) as server:
        yield server


@pytest.fixture(scope="module")
def aws(tmp_path_factory):
    with ministack(tmp_path_factory.mktemp("aws") / "log") as endpoint:
        yield endpoint


@pytest.fixture
async def wire():
    opened = NetworkWire()
    yield opened
    await opened.close()


def dynamo(endpoint, wire):
    """In an empty table."""
    table = f"health-{uuid.uuid4()}"
    keys = {"pk": "HASH", "sk": "RANGE"}
    judge.client("dynamodb", endpoint=endpoint, region_name=REGION, **SAME_KEYS).create_table(
        TableName=table,
        KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys.items()],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in keys],
        BillingMode="PAY_PER_REQUEST",
    )
    return DynamoHealth(client_of(wire, endpoint), table, within_s=PATIENT_S)


OPENED = {
    "memory": lambda _: MemoryHealth(),
    "sqlite": lambda of: SqliteHealth.open(str(of("tmp_path") / "health.db")),
    "valkey": lambda of: health_of(of("valkey"), key=f"everpost:{{{uuid.uuid4()}}}"),
    "dynamodb": lambda of: dynamo(of("aws"), of("wire")),
    "own view of what is shared": lambda _: OwnView(MemoryHealth()),
    "own view alone": lambda _: OwnView(health_of(GONE)),
}


@pytest.fixture(params=OPENED)
async def health(request, wire):
    opened = OPENED[request.param](request.getfixturevalue)
    yield opened
    await opened.close()


def report(sign, at=0.0, text="", until=None, account="one", count=1):
    until = None if until is None else T + until
    return Report(account=account, sign=sign, at=T + at, text=text, until=until, count=count)


async def told(health, *reports):
    """What is known of account one after these reports, each told by itself."""
    for one in reports:
        await health.record([one])
    return (await health.board())["one"]


async def test_nothing_is_known_at_first(health):
    assert await health.board() == {}


async def test_accounts_are_told_apart(health):
    await health.record([report(Sign.OK, account="one"), report(Sign.FAILED, account="two")])
    board = await health.board()
    assert {name: known.failures for name, known in board.items()} == {"one": 0, "two": 1}


async def test_a_success_is_remembered(health):
    known = await told(health, report(Sign.OK, 1), report(Sign.OK, 3), report(Sign.OK, 2))
    assert known == AccountHealth(buckets=(Bucket(T, 3, 0),), ok_at=T + 3)


async def test_many_successes_can_be_told_as_one(health):
    known = await told(health, report(Sign.OK, 1), report(Sign.OK, 3, count=20))
    assert known == AccountHealth(buckets=(Bucket(T, 21, 0),), ok_at=T + 3)


async def test_failures_add_up_from_the_first_after_the_last_success(health):
    known = await told(
        health, report(Sign.OK), report(Sign.FAILED, 1, "a"), report(Sign.FAILED, 3, "c"), report(Sign.FAILED, 2, "b")
    )
    assert known == AccountHealth(
        buckets=(Bucket(T, 1, 3),),
        ok_at=T,
        failed_at=T + 3,
        failing_since=T + 1,
        failures=3,
        last_error="c",
        last_error_at=T + 3,
    )


async def test_reports_told_together_count_as_if_told_one_by_one(health):
    await health.record([report(Sign.OK), report(Sign.FAILED, 1), report(Sign.FAILED, 2)])
    assert (await health.board())["one"].failures == 2


async def test_a_success_ends_an_outage_and_tells_how_long_it_lasted(health):
    known = await told(health, *(report(Sign.FAILED, at, "down") for at in (1, 2, 3, 4, 5)), report(Sign.OK, 8))
    assert known == AccountHealth(
        buckets=(Bucket(T, 1, 5),),
        ok_at=T + 8,
        failed_at=T + 5,
        recovered_at=T + 8,
        recovered_failures=5,
        recovered_after_s=7.0,
        last_error="down",
        last_error_at=T + 5,
    )


async def test_a_success_ends_a_few_failures_which_are_no_outage(health):
    known = await told(health, *(report(Sign.FAILED, at, "down") for at in (1, 2, 3, 4)), report(Sign.OK, 8))
    assert (known.failures, known.failing_since, known.recovered_at) == (0, None, None)


async def test_neither_a_later_success_nor_a_few_failures_touch_the_recovery(health):
    outage = [report(Sign.FAILED, 1)] * OUTAGE_FAILURES
    signs = (Sign.OK, Sign.OK, Sign.FAILED, Sign.OK)
    known = await told(health, *outage, *(report(sign, at) for at, sign in enumerate(signs, 2)))
    assert (known.recovered_at, known.recovered_failures, known.ok_at) == (T + 2, OUTAGE_FAILURES, T + 5)


async def test_a_failure_that_a_success_has_overtaken_only_counts(health):
    known = await told(health, report(Sign.OK, 5), report(Sign.FAILED, 4, "late"), report(Sign.FAULT, 4, "late"))
    assert known == AccountHealth(buckets=(Bucket(T, 1, 2),), ok_at=T + 5)


async def test_a_success_that_a_failure_has_overtaken_only_counts(health):
    known = await told(health, report(Sign.FAILED, 5, "down"), report(Sign.OK, 4))
    assert (known.failures, known.failing_since, known.ok_at) == (1, T + 5, None)
    assert known.buckets == (Bucket(T, 1, 1),)


async def test_a_fault_of_the_account_is_a_failure_with_a_date_of_its_own(health):
    known = await told(health, report(Sign.FAULT, 1, "bad key"), report(Sign.FAILED, 2, "down"))
    assert (known.fault_at, known.failed_at, known.failures, known.last_error) == (T + 1, T + 2, 2, "down")
    assert (await told(health, report(Sign.OK, 3))).fault_at == T + 1


async def test_being_blocked_is_neither_success_nor_failure(health):
    known = await told(health, report(Sign.BLOCKED, 1, "slow down", until=60))
    assert known == AccountHealth(
        blocked_until=T + 60, blocked_reason="slow down", last_error="slow down", last_error_at=T + 1
    )


async def test_the_longest_block_holds_and_a_success_does_not_lift_it(health):
    known = await told(
        health,
        report(Sign.BLOCKED, 1, "a day", until=900),
        report(Sign.BLOCKED, 2, "a minute", until=60),
        report(Sign.OK, 3),
    )
    assert (known.blocked_until, known.blocked_reason, known.last_error) == (T + 900, "a day", "a minute")


async def test_counters_go_into_buckets_and_old_ones_are_dropped(health):
    known = await told(
        health,
        report(Sign.OK, 0),
        report(Sign.OK, BUCKET_S - 0.001),
        report(Sign.FAILED, BUCKET_S),
        report(Sign.OK, 1),
    )
    assert known.buckets == (Bucket(T, 3, 0), Bucket(T + BUCKET_S, 0, 1))
    known = await told(health, report(Sign.OK, WINDOW_S))
    assert known.buckets == (Bucket(T + BUCKET_S, 0, 1), Bucket(T + WINDOW_S, 1, 0))


async def test_one_at_a_time_holds_the_probe(health):
    assert await health.lease("one", T, T + 30)
    assert not await health.lease("one", T + 29, T + 59)
    assert await health.lease("two", T, T + 30)
    assert await health.lease("one", T + 30, T + 60)
    assert (await health.board())["one"].probe_until == T + 60


@pytest.mark.parametrize("sign", [sign for sign in Sign if sign not in {*LOOKS, *HEARD}])
async def test_any_report_of_an_attempt_ends_the_lease_of_the_probe(health, sign):
    await health.lease("one", T, T + 30)
    assert (await told(health, report(sign, 1))).probe_until is None
    assert await health.lease("one", T + 2, T + 32)


@pytest.mark.parametrize("sign", sorted(LOOKS))
async def test_a_look_into_the_records_does_not_end_it(health, sign):
    await health.lease("one", T, T + 30)
    known = await told(health, Report(account="one", sign=sign, at=T + 1, mail="m", after_s=60.0))
    assert known.probe_until == T + 30
    assert [look.mail for look in known.records.looks] == ["m"]
