import asyncio
import time

import pytest

from everpost.engine.keys import Keyring
from everpost.model.key import Scope
from everpost.wiring.parts import open_store


async def who(folder, token):
    """Whom the store takes the holder of a token for."""
    store = open_store(folder)
    try:
        return await Keyring(store, time.time).find(token)
    finally:
        await store.close()


@pytest.fixture
def keys(everpost, tmp_path):
    return lambda *words: everpost("keys", *words, "--data", tmp_path)


def test_a_new_key_is_shown_once_and_works(keys, tmp_path):
    ended = keys("create", "--scope", "send", "--name", "web", "--project", "shop", "--json")
    assert ended.code == 0
    token = ended.json["token"]
    assert token.startswith("evp_")
    listed = keys("list", "--json").json["data"]
    assert [(key["id"], key["project"], key["scope"], key["name"]) for key in listed] == [
        (ended.json["id"], "shop", "send", "web")
    ]
    assert token not in keys("list").out
    secret = token.rpartition("_")[2]
    files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert any(ended.json["id"].encode() in content for content in files)
    assert not any(secret[:32].encode() in content for content in files)


def test_a_new_keys_token_is_the_first_line_for_people(keys):
    first, *rest = keys("create", "--scope", "admin").out.splitlines()
    assert first.startswith("evp_")
    assert "not stored" in rest[-1]


def test_a_token_made_by_the_command_line_is_known_to_the_engine(keys, tmp_path):
    token = keys("create", "--scope", "read", "--json").json["token"]
    caller = asyncio.run(who(tmp_path, token))
    assert (caller.project, caller.scope) == ("default", Scope.READ)


def test_a_revoked_key_is_listed_as_such(keys):
    made = keys("create", "--scope", "read", "--json").json
    assert keys("revoke", made["id"]).out == f"key {made['id']} is revoked\n"
    (listed,) = keys("list", "--json").json["data"]
    assert listed["state"] == "revoked"
    assert listed["revoked_at"]


def test_revoking_an_unknown_key_is_a_failure(keys):
    keys("create", "--scope", "send")
    ended = keys("revoke", "abcdefgh")
    assert ended.code == 1
    assert "there is no key 'abcdefgh'" in ended.err


def test_an_unknown_scope_is_wrong_usage_and_the_known_ones_are_named(keys):
    ended = keys("create", "--scope", "root")
    assert ended.code == 2
    assert "'send', 'read', 'admin'" in ended.err


@pytest.mark.parametrize("days", ["0", "-1", "36500", "soon", "nan"])
def test_a_number_of_days_that_is_none_is_wrong_usage(keys, days):
    ended = keys("create", "--scope", "send", f"--days={days}")
    assert ended.code == 2
    assert f"'{days}' is not a number of days: more than 0, less than 36500" in ended.err


@pytest.mark.parametrize("words", [("list",), ("revoke", "abcdefgh")])
def test_where_no_store_is_none_is_made_to_look_for_keys(everpost, tmp_path, words):
    ended = everpost("keys", *words, "--data", tmp_path / "typo")
    assert ended.code == 1
    assert f"there is no store in {tmp_path}/typo" in ended.err
    assert "--data DIR" in ended.err
    assert not (tmp_path / "typo").exists()


def test_the_data_folder_may_come_from_the_configuration_without_its_secrets(everpost, tmp_path):
    config = tmp_path / "everpost.toml"
    config.write_text(f'data = "{tmp_path}/data"\n[accounts.a]\nprovider = "sendgrid"\napi_key = "$NOT_SET"\n')
    assert everpost("keys", "create", "--scope", "send", "--config", config).code == 0
    assert (tmp_path / "data").is_dir()


def test_the_data_folder_may_come_from_the_environment(everpost, tmp_path, monkeypatch):
    monkeypatch.setenv("EVERPOST_DATA", str(tmp_path / "here"))
    assert everpost("keys", "create", "--scope", "send").code == 0
    assert (tmp_path / "here").is_dir()


def test_without_a_data_folder_it_says_how_to_name_one(everpost, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ended = everpost("keys", "list")
    assert ended.code == 2
    assert "--data DIR" in ended.err


def test_a_store_that_can_not_be_opened_is_a_failure_and_no_traceback(everpost, tmp_path):
    (tmp_path / "file").write_text("")
    ended = everpost("keys", "create", "--scope", "send", "--data", tmp_path / "file")
    assert ended.code == 1
    assert "can't be used" in ended.err
