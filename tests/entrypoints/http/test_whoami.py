"""A caller can ask who it is and what it may do here, so that it need not find out by being refused."""

from dataclasses import replace

import pytest

from everpost.entrypoints.http.app import all_operations, build_app
from everpost.model.key import Scope
from http_kit import Caller


@pytest.fixture
def keyed(services, engine):
    return replace(services, keyring=engine.keyring)


async def told(services, scope, project="default"):
    key, token = await services.keyring.create(project, scope, "test")
    answer = await Caller(build_app(services))("GET", "/v1/whoami", headers={"authorization": f"Bearer {token}"})
    assert answer.status == 200
    return key, answer.json


@pytest.mark.parametrize("scope", Scope)
async def test_what_is_told_of_an_operation_is_what_happens_when_it_is_called(keyed, scope):
    _, view = await told(keyed, scope)
    _, token = await keyed.keyring.create("default", scope, "test")
    call = Caller(build_app(keyed))
    needing = {each.id: each for each in all_operations(keyed) if each.scope is not None}
    assert view["operations"].keys() == needing.keys()
    for id_, operation in needing.items():
        path = operation.path.replace("{", "").replace("}", "").replace(":path", "")
        answer = await call(operation.method, path, b"{}", {"authorization": f"Bearer {token}"})
        assert (answer.status != 403) == view["operations"][id_], id_


async def test_the_caller_is_named_by_its_key_its_project_and_its_scope(keyed):
    key, view = await told(keyed, Scope.READ, "other")
    assert (view["who"], view["project"], view["scope"]) == (key.id, "other", "read")


async def test_without_keys_this_machine_is_the_administrator(call):
    view = (await call("GET", "/v1/whoami")).json
    assert (view["who"], view["project"], view["scope"]) == ("local", "default", "admin")
    assert set(view["operations"].values()) == {True}


async def test_what_is_not_offered_is_not_named(keyed):
    _, view = await told(replace(keyed, webhooks=None, inbox=None), Scope.ADMIN)
    assert {"listWebhooks", "listCaught"} & view["operations"].keys() == set()
