"""The commands that deal with a real database: migrate, check, keys."""

import asyncio
import json

import pytest

import postgres_kit
from everpost.entrypoints.cli import main
from everpost.store.postgres import schema
from server_kit import free_ports

ACCOUNT = '[accounts.one]\nprovider = "sendgrid"\napi_key = "SG.x"\nbase_url = "http://127.0.0.1:1"\n'


@pytest.fixture
def database(databases):
    with asyncio.Runner() as runner:
        one = databases.one(is_empty=True)
        yield runner.run(one.__aenter__())
        runner.run(one.__aexit__(None, None, None))


@pytest.fixture
def command(tmp_path, capsys, monkeypatch):
    """Runs a command on a configuration; returns its exit code and what it has printed."""
    monkeypatch.delenv("EVERPOST_STORE", raising=False)

    def run(store, *words):
        config = tmp_path / "everpost.toml"
        config.write_text(f'data = "{tmp_path}/data"\nstore = "{store}"\n{ACCOUNT}')
        config.chmod(0o600)
        code = main([*words, "--config", str(config)])
        told = capsys.readouterr()
        return code, told.out + told.err

    return run


def url_of(server):
    return f"postgres://{server.user}@{server.host}:{server.port}/{server.database}?sslmode=disable"


def test_an_empty_database_gets_its_tables_and_is_then_up_to_date(command, database):
    code, told = command(url_of(database), "migrate")
    assert (code, told) == (0, "".join(f"{migration.name} has run\n" for migration in schema.migrations()))
    assert command(url_of(database), "migrate") == (0, "The database is up to date.\n")
    assert json.loads(command(url_of(database), "migrate", "--json")[1]) == {"ran": []}


def test_a_store_of_files_needs_no_migration(command):
    code, told = command("sqlite", "migrate")
    assert code == 0
    assert "needs no migration" in told


def test_a_database_that_is_not_there_is_told(command):
    code, told = command(f"postgres://u@127.0.0.1:{free_ports(1)[0]}/d?sslmode=disable", "migrate")
    assert code == 1
    assert "no connection to PostgreSQL at 127.0.0.1" in told


def test_check_tells_of_the_database(command, database):
    _, told = command(url_of(database), "check")
    assert f"answers at {database.address}" in told
    assert "the tables are made at the first start" in told
    assert "fault    store: fsync is off" in told  # as for tests


def test_check_tells_of_a_database_that_can_t_be_reached(command):
    code, told = command(f"postgres://u@127.0.0.1:{free_ports(1)[0]}/d?sslmode=disable", "check")
    assert code == 2
    assert "no connection to PostgreSQL at 127.0.0.1" in told
    assert "pg_hba.conf" in told


def test_a_schema_that_is_too_new_is_told_by_every_command(command, database):
    command(url_of(database), "migrate")
    asyncio.run(postgres_kit.judged(database, "INSERT INTO migration VALUES (1000, 'x', 0)"))
    for words in (("migrate",), ("check",)):
        code, told = command(url_of(database), *words)
        assert code != 0
        assert "made by a newer Everpost" in told
