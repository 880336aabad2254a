"""What the crash tests are told on the command line."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from crash.stores import STORES, UNDER_LOAD, Environ
from postgres_kit import DURABLE, Cluster, cluster
from valkey_kit import Running, valkey_server

LAZY: Final = "wal_writer_delay=1s"  # what nobody waits for is on disk late, and so is lost when the server is stopped
FLEET_SLICE: Final = 8
STORMY: Final = {"test_chaos.py", "test_broken_replicas.py"}
STRIKES: Final = {"fleet_strikes": "--fleet-strikes", "database_strikes": "--database-strikes"}


@pytest.fixture(params=UNDER_LOAD)
def shared_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Environ]:
    with STORES[request.param](tmp_path) as environ:
        yield environ


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[Running]:
    """One that may be killed, frozen and flushed."""
    with valkey_server(tmp_path / "valkey") as server:
        yield server


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[Cluster]:
    """One that may be stopped at once, frozen, and started again, and loses nothing that it has promised."""
    folder = tmp_path / "postgres"
    folder.mkdir()
    with cluster(folder, (*DURABLE, LAZY)) as own:
        yield own


@pytest.fixture
def kills(request: pytest.FixtureRequest) -> int:
    count: int = request.config.getoption("--kills")
    return count


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Minutes of storms are asked for by `make crash`, and are no part of a usual run."""
    return (collection_path.name in STORMY and not config.getoption("--storms")) or None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """So many strikes at a time that the sandbox can keep all mail that is sent meanwhile. With more than one slice, a
    fleet is struck that resolves in a hurry, too."""
    for name, option in STRIKES.items():
        if name in metafunc.fixturenames:
            whole, rest = divmod(metafunc.config.getoption(option), FLEET_SLICE)
            if "fleet_program" in metafunc.fixturenames:
                metafunc.parametrize("fleet_program", ["shipped", "hurried"] if whole > 1 else ["shipped"])
            metafunc.parametrize(name, [*whole * [FLEET_SLICE], *([rest] if rest else [])])


@pytest.fixture
def syscall_strikes(request: pytest.FixtureRequest) -> int:
    count: int = request.config.getoption("--syscall-strikes")
    return count


@pytest.fixture
def power_seeds(request: pytest.FixtureRequest) -> int:
    count: int = request.config.getoption("--power-seeds")
    return count


@pytest.fixture
def crash_seed(request: pytest.FixtureRequest) -> int:
    """Printed with every result; --crash-seed plays it again, as far as real processes can."""
    given: int | None = request.config.getoption("--crash-seed")
    return given if given is not None else random.SystemRandom().randrange(1 << 32)
