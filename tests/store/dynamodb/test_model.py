"""The model of DynamoDB that the simulator plays over, held against ministack: whatever is asked, both say the same."""

import random
from itertools import count

import pytest

from aws_kit import client_of
from dynamodb_kit import client_over, make_table
from dynamodb_model import DynamoModel
from everpost.engine.wire import NetworkWire
from everpost.store.dynamodb.keys import Key
from everpost.store.dynamodb.schema import DUE_INDEX, JOURNAL_INDEX
from everpost.store.dynamodb.table import ConditionFailed, Range, Table
from everpost.store.dynamodb.writes import ABSENT, PRESENT, Write
from everpost.store.port import StoreUnavailable
from scripted_server import settled
from store_values import Clock

SEEDS = range(12)
STEPS = 60
INDEXES = {DUE_INDEX: ("due_shard", "due_at"), JOURNAL_INDEX: ("unsequenced_shard", "unsequenced_at")}


@pytest.fixture
async def tables(aws):
    clock, numbers = Clock(), count()
    wire = NetworkWire()
    real = client_of(wire, aws)
    name = await make_table(real)
    model = client_over(DynamoModel(random.Random(0), clock), clock)
    yield [Table(client, name, lambda: f"{name[9:30]}{next(numbers)}") for client in (real, model)]
    await wire.close()
    await settled()


class Chance:
    """Draws what the store could ask, over few keys, so that they meet."""

    def __init__(self, seed):
        self.rng = random.Random(seed)

    def key(self):
        return Key(self.rng.choice("ab"), self.rng.choice(["x", "y", "z", "é", "zz"]))

    def item(self, key):
        rng = self.rng
        item = {
            **key._asdict(),
            "version": rng.randrange(3),
            "data": rng.choice(["", "word", "ü"]),
            "used": rng.randrange(5),
        }
        if rng.random() < 0.7:
            item |= {"due_shard": rng.choice(["s1", "s2"]), "due_at": rng.choice([1.0, 2.5, 1_800_000_000.125])}
        if rng.random() < 0.5:
            item |= {"unsequenced_shard": "u", "unsequenced_at": rng.randrange(3)}
        if rng.random() < 0.3:
            item |= {"content": bytes(range(rng.randrange(9))), "tally": {"sent": rng.randrange(9), "of": {"a": 1.5}}}
        return item

    def write(self, key):
        rng = self.rng
        match rng.randrange(8):
            case 0:
                return Write.put(self.item(key))
            case 1:
                return Write.put(self.item(key), ABSENT)
            case 2:
                return Write.put(self.item(key), "#version = :was", was=rng.randrange(3))
            case 3:
                return Write.delete(key, rng.choice([None, PRESENT]))
            case 4:
                condition = "#due_shard = :queue AND #due_at = :seen"
                change = "SET #due_at = :until, #version = #version + :one"
                return Write.update(key, change, condition, until=7.5, one=1, queue="s1", seen=rng.choice([1.0, 2.5]))
            case 5:
                change = "SET #seq = :seq REMOVE #unsequenced_shard, #unsequenced_at"
                return Write.update(key, change, "attribute_exists(#unsequenced_at)", seq=rng.randrange(9))
            case 6:
                condition = "attribute_not_exists(#pk) OR #window_at < :window_at"
                values = {"amount": rng.randrange(4), "window_at": rng.randrange(3)}
                return Write.update(key, "SET #used = :amount, #window_at = :window_at", condition, **values)
        condition = "#window_at >= :window_at AND #used <= :room"
        return Write.update(key, "SET #used = #used + :amount", condition, amount=1, window_at=1, room=rng.randrange(4))

    def range(self):
        rng = self.rng
        ends = {"first": rng.choice([None, "x", "y"]), "last": rng.choice([None, "z", "é"])}
        if rng.random() < 0.5:
            return Range(pk=rng.choice("abc"), **ends, newest_first=rng.random() < 0.5)
        index = rng.choice(list(INDEXES))
        return Range(pk=rng.choice(["s1", "s2", "u"]), last=rng.choice([None, 2.0]), index=index, names=INDEXES[index])

    def step(self):
        """What to ask of a table, in words and as a function."""
        rng = self.rng
        match rng.randrange(7):
            case 0:
                key = self.key()
                return f"get {key}", lambda table: table.get(key)
            case 1:
                keys = [self.key() for _ in range(4)]
                return f"get all {keys}", lambda table: table.get_all(keys)
            case 2:
                of, limit = self.range(), rng.choice([None, 1, 2, 3])
                return f"query {of} {limit}", lambda table: table.query(of, limit)
            case 3:
                items = {key: self.item(key) for key in (self.key() for _ in range(3))}
                return f"put all {items}", lambda table: table.put_all(items.values())
            case 4:
                keys = [self.key() for _ in range(2)]
                return f"delete all {keys}", lambda table: table.delete_all(keys)
            case 5:
                keys = dict.fromkeys(self.key() for _ in range(3))
                writes = [self.write(key) for key in keys]
                return f"transact {writes}", lambda table: table.transact(writes)
        write = self.write(self.key())
        returns = "ALL_NEW" if write.verb == "Update" else "NONE"
        return f"write {write}", lambda table: table.write(write, returns)


async def outcome(asked, table):
    try:
        return await asked(table)
    except ConditionFailed as error:
        return "refused", error.failed
    except StoreUnavailable as error:
        return str(error).partition(":")[2].strip().partition(":")[0]


def in_any_order(result, words):
    """Of one instant an index has no order."""
    if words.startswith("query") and "index=None" not in words and isinstance(result, list):
        return sorted(result, key=lambda item: (item.get("due_at", item.get("unsequenced_at")), item["pk"], item["sk"]))
    return result


@pytest.mark.parametrize("seed", SEEDS)
async def test_the_model_answers_as_a_dynamodb_does(tables, seed):
    chance = Chance(seed)
    for number in range(STEPS):
        words, asked = chance.step()
        if "index=" in words and "index=None" not in words:
            asked = _whole(asked)
        real, model = [in_any_order(await outcome(asked, table), words) for table in tables]
        assert real == model, f"step {number}: {words}"


def _whole(asked):
    """Without a limit: which of those of one instant come first nobody promises."""

    async def whole(table):
        query = table.query
        table.query = lambda of, _limit=None: query(of)
        try:
            return await asked(table)
        finally:
            del table.query

    return whole


async def test_the_model_has_the_bounds_of_a_dynamodb(tables):
    key = Key("a", "x")
    asked = [
        lambda table: table.write(Write.put({**key._asdict(), "data": "a" * 400_001 + "b" * 10_000})),
        lambda table: table.write(Write.put({**key._asdict(), "data": "a" * 390_000})),
        lambda table: table.transact([Write.put({"pk": "a", "sk": str(number)}) for number in range(101)]),
        lambda table: table.transact([Write.put({"pk": "a", "sk": str(number)}) for number in range(100)]),
        lambda table: table.transact([Write.put({"pk": "a", "sk": "1"}), Write.delete(Key("a", "1"))]),
        lambda table: table.write(Write.put({"pk": "a", "sk": ""})),
    ]
    for one in asked:
        real, model = [await outcome(one, table) for table in tables]
        assert real == model
