"""Secrets that the configuration only names: read at the start, kept for a while, and read again when they change."""

import logging

import pytest

from everpost.model.account import Account
from everpost.model.secret import Reference, Secret, Source
from everpost.vault.keeper import AGAIN_S, FAILED_S, FRESH_S, Keeper
from everpost.vault.port import SecretUnavailable

CANARY = "s3cr3t-canary"
GONE = "there is none of this name in this region: create it, or mend the name"
OBJECT = '{"a": "third"}'


class Counting:
    """A vault whose questions are counted."""

    def __init__(self, vault):
        self.asked = []
        self._vault = vault

    async def read(self, source):
        self.asked.append(source)
        return await self._vault.read(source)


class Clock:
    def __init__(self):
        self.at = 0.0

    def __call__(self):
        return self.at


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def counting(vault):
    return Counting(vault)


def account(name="one", **settings):
    return Account(name=name, provider="sendgrid", settings=settings)


def values(accounts):
    return {name: str(value) for one in accounts for name, value in one.settings.items()}


async def test_values_stand_in_place_of_their_names(owner, vault):
    named = account(
        api_key=Reference(f"ssm:{owner.parameter('first')}"),
        lookup_api_key=Reference(f"secretsmanager:{owner.secret('second')}"),
        password=Reference(f"secretsmanager:{owner.secret(OBJECT)}#a"),
        region="eu",
    )
    [found] = await Keeper([named], vault).accounts()
    assert found.settings == {"api_key": "first", "lookup_api_key": "second", "password": "third", "region": "eu"}
    assert {type(value) for name, value in found.settings.items() if name != "region"} == {Secret}


async def test_what_several_settings_name_is_read_once(owner, counting):
    arn = owner.secret('{"a": "1", "b": "2"}')
    named = [account(name, api_key=Reference(f"secretsmanager:{arn}#{name}")) for name in ("a", "b")]
    assert [values([one]) for one in await Keeper(named, counting).accounts()] == [{"api_key": "1"}, {"api_key": "2"}]
    assert counting.asked == [Source("secretsmanager", arn)]


async def test_a_value_is_kept_for_five_minutes_and_read_again_after_that(owner, counting, clock):
    name = owner.parameter("old")
    keeper = Keeper([account(api_key=Reference(f"ssm:{name}"))], counting, clock)
    await keeper.accounts()
    owner.parameter("new", name)
    clock.at = FRESH_S - 1
    assert await keeper.renewed() == []
    assert len(counting.asked) == 1
    clock.at = FRESH_S
    assert values(await keeper.renewed()) == {"api_key": "new"}
    assert await keeper.renewed() == []
    assert len(counting.asked) == 2


async def test_a_clock_that_was_set_back_makes_no_value_last_longer(owner, counting, clock):
    clock.at = 1e6
    keeper = Keeper([account(api_key=Reference(f"ssm:{owner.parameter('old')}"))], counting, clock)
    await keeper.accounts()
    clock.at = 1.0
    await keeper.renewed()
    assert len(counting.asked) == 2


async def test_an_account_that_is_refused_has_its_secrets_read_at_once_and_no_other(owner, counting, clock):
    names = [owner.parameter("old") for _ in range(2)]
    named = [account(one, api_key=Reference(f"ssm:{name}")) for one, name in zip("ab", names, strict=True)]
    keeper = Keeper(named, counting, clock)
    await keeper.accounts()
    for name in names:
        owner.parameter("new", name)
    clock.at = AGAIN_S
    assert [one.name for one in await keeper.renewed({"a"})] == ["a"]
    assert counting.asked[2:] == [Source("ssm", names[0])]


async def test_an_account_that_is_refused_all_the_time_is_not_read_all_the_time(owner, counting, clock):
    keeper = Keeper([account(api_key=Reference(f"ssm:{owner.parameter('old')}"))], counting, clock)
    await keeper.accounts()
    for clock.at in (1.0, 2.0, 3.0, AGAIN_S, AGAIN_S + 1):
        assert await keeper.renewed({"one", "unknown"}) == []
    assert len(counting.asked) == 2


async def test_accounts_without_secrets_cost_nothing(counting):
    plain = account(api_key=Secret("literal"))
    keeper = Keeper([plain], counting)
    assert await keeper.accounts() == (plain,)
    assert await keeper.renewed({"one"}) == []
    assert counting.asked == []


async def test_all_that_is_wrong_is_told_at_once_with_the_way_to_mend_it(owner, vault):
    text = owner.secret(CANARY)
    named = account(
        api_key=Reference("ssm:/not/there"),
        lookup_api_key=Reference("secretsmanager:not-there"),
        password=Reference(f"secretsmanager:{text}#key"),
    )
    with pytest.raises(SecretUnavailable) as caught:
        await Keeper([named], vault).accounts()
    told = str(caught.value)
    assert "ssm:/not/there can't be read: ParameterNotFound: there is none of this name" in told
    assert "secretsmanager:not-there can't be read: ResourceNotFoundException" in told
    assert f"secretsmanager:{text}#key is not there: the secret has to be a JSON object with a text 'key'" in told
    assert CANARY not in told


async def test_a_secret_that_cannot_be_read_any_more_stays_as_it_was(owner, vault, clock, caplog):
    names = [owner.parameter(f"old-{CANARY}") for _ in range(2)]
    named = account(api_key=Reference(f"ssm:{names[0]}"), lookup_api_key=Reference(f"ssm:{names[1]}"))
    keeper = Keeper([named], vault, clock)
    await keeper.accounts()
    owner.ssm.delete_parameter(Name=names[0])
    owner.parameter("new", names[1])
    clock.at = FRESH_S
    assert values(await keeper.renewed()) == {"api_key": f"old-{CANARY}", "lookup_api_key": "new"}
    told = [record.error for record in caplog.records if hasattr(record, "error")]
    assert told == [f"ssm:{names[0]} can't be read: ParameterNotFound: {GONE}"]
    assert CANARY not in str([vars(record) for record in caplog.records])


async def test_what_cannot_be_read_is_not_asked_for_all_the_time(owner, counting, clock):
    name = owner.parameter("old")
    keeper = Keeper([account(api_key=Reference(f"ssm:{name}"))], counting, clock)
    await keeper.accounts()
    owner.ssm.delete_parameter(Name=name)
    for clock.at in (FRESH_S, FRESH_S + 1, FRESH_S + FAILED_S - 1):
        assert await keeper.renewed({"one"}) == []
    assert len(counting.asked) == 2
    owner.parameter("new", name)
    clock.at = FRESH_S + FAILED_S
    assert values(await keeper.renewed()) == {"api_key": "new"}


async def test_no_repr_and_no_line_shows_a_value(owner, vault, caplog):
    caplog.set_level(logging.DEBUG, "everpost")
    keeper = Keeper([account(api_key=Reference(f"ssm:{owner.parameter(CANARY)}"))], vault)
    found = await keeper.accounts()
    shown = f"{found!r} {vars(keeper)!r} {[vars(record) for record in caplog.records]}"
    assert CANARY not in shown
    assert found[0].settings["api_key"] == CANARY
