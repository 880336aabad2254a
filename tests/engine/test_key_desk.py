"""Nobody makes a key that is stronger than their own, whoever may come to the desk."""

import pytest

from everpost.engine.key_desk import KeyDesk
from everpost.engine.keys import Keyring
from everpost.model.key import ApiKey, Caller, Scope
from everpost.store.memory import MemoryStore
from store_values import NOW


@pytest.fixture
def desk():
    return KeyDesk(Keyring(MemoryStore(), lambda: NOW), lambda: NOW)


@pytest.mark.parametrize("own", list(Scope))
@pytest.mark.parametrize("wanted", list(Scope))
async def test_a_key_may_do_no_more_than_the_one_that_makes_it(desk, own, wanted):
    caller = Caller(project="shop", who="somebody", scope=own)
    made = await desk.create(caller, wanted, "", None)
    if caller.may(wanted):
        key, _ = made
        assert (type(key), key.project, key.scope) == (ApiKey, "shop", wanted)
    else:
        assert (made.code, [error.field for error in made.errors]) == ("validation_failed", ["scope"])
        assert await desk.keys(caller) == []
