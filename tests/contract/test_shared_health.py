"""What keepers of provider health promise to many workers that report at the same time."""

import asyncio
import uuid

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import judge
from aws_kit import REGION, client_of, ministack
from everpost.engine.wire import NetworkWire
from everpost.health.dynamodb import COLLECTION, DynamoHealth
from everpost.health.memory import MemoryHealth
from everpost.health.port import BUCKET_S, Report, Sign
from everpost.model.account import Bucket
from valkey_kit import health_of, valkey_server

T = 1_800_000_000.0
PATIENT_S = 20.0  # on a busy machine
KEYS = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
REPORTS = st.builds(
    Report,
    account=st.sampled_from(["one", "two"]),
    sign=st.sampled_from(Sign),
    at=st.integers(0, 400).map(lambda seconds: T + seconds),
    text=st.sampled_from(["", "down", "ümlaut"]),
    until=st.none() | st.just(T + 1000),
    count=st.integers(1, 3),
    mail=st.sampled_from(["m1", "m2"]),
    after_s=st.sampled_from([30.0, 600.0]),
)


def report(sign, at=0.0, account="one"):
    return Report(account=account, sign=sign, at=T + at, text="down")


class Valkey:
    """Workers who share one server."""

    workers = 12

    def __init__(self, server):
        self._server = server

    def place(self):
        """Somewhere new, and what opens it."""
        key = f"everpost:{{{uuid.uuid4()}}}"
        return lambda _: health_of(self._server, key=key)


class Dynamo:
    """Workers who share one table."""

    workers = 4  # one of them gets through each time, and DynamoDB is not asked for ever

    def __init__(self, endpoint):
        self._endpoint = endpoint
        self._client = judge.client("dynamodb", endpoint=endpoint, region_name=REGION, **KEYS)
        self._name = f"health-{uuid.uuid4()}"
        keys = {"pk": "HASH", "sk": "RANGE"}
        self._client.create_table(
            TableName=self._name,
            KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys.items()],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in keys],
            BillingMode="PAY_PER_REQUEST",
        )

    def place(self):
        for account in ("one", "two"):
            key = {"pk": {"S": COLLECTION}, "sk": {"S": account}}
            self._client.delete_item(TableName=self._name, Key=key)
        return lambda wire: DynamoHealth(client_of(wire, self._endpoint), self._name, within_s=PATIENT_S)


@pytest.fixture(scope="module", params=["valkey", "dynamodb"])
def shared(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("shared")
    if request.param == "valkey":
        with valkey_server(folder) as server:
            yield Valkey(server)
    else:
        with ministack(folder / "log") as endpoint:
            yield Dynamo(endpoint)


@pytest.fixture
async def workers(shared):
    wire, place = NetworkWire(), shared.place()
    opened = [place(wire) for _ in range(shared.workers)]
    yield opened
    for one in opened:
        await one.close()
    await wire.close()


async def test_counters_of_many_workers_add_up(workers):
    await asyncio.gather(*(one.record([report(Sign.OK, at)]) for one in workers for at in range(20)))
    known = (await workers[0].board())["one"]
    each = 10 * len(workers)
    assert known.buckets == (Bucket(T, each, 0), Bucket(T + BUCKET_S, each, 0))


async def test_no_failure_is_lost_among_many_workers(workers):
    await asyncio.gather(*(one.record([report(Sign.FAILED, at)]) for at, one in enumerate(workers)))
    known = (await workers[0].board())["one"]
    assert (known.failures, known.failing_since, known.failed_at) == (
        len(workers),
        T,
        T + len(workers) - 1,
    )
    assert sum(bucket.failed for bucket in known.buckets) == len(workers)


async def test_a_good_answer_that_one_worker_has_not_heard_of_overtakes_the_failure_that_it_reports(workers):
    one, other = workers[:2]
    await other.board()
    await one.record([report(Sign.OK, 5)])
    await other.record([report(Sign.FAILED, 4)])
    known = (await one.board())["one"]
    assert (known.failures, known.ok_at, known.buckets) == (0, T + 5, (Bucket(T, 1, 1),))


async def test_the_last_good_answer_is_not_set_back_by_a_worker_that_has_not_heard_of_it(workers):
    one, other = workers[:2]
    await other.board()
    await one.record([report(Sign.OK, 5)])
    await other.record([report(Sign.OK, 4)])
    assert (await one.board())["one"].ok_at == T + 5


async def test_one_of_many_gets_the_probe(workers):
    assert sum(await asyncio.gather(*(one.lease("one", T, T + 30) for one in workers))) == 1


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.booleans(), st.lists(REPORTS, min_size=1, max_size=4)), max_size=12))
def test_what_several_workers_tell_in_turn_is_as_if_one_had_seen_it_all(shared, told):
    async def compare():
        wire, place = NetworkWire(), shared.place()
        one, other = place(wire), place(wire)
        alone = MemoryHealth()
        for is_first, reports in told:
            await (one if is_first else other).record(reports)
            await alone.record(reports)
        boards = [await health.board() for health in (one, other, alone)]
        await asyncio.gather(one.close(), other.close(), wire.close())
        return boards

    first, second, expected = asyncio.run(compare())
    assert first == second == expected
