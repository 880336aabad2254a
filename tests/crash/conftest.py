"""What the crash tests are told on the command line."""

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final

import pytest

from valkey_kit import Running, valkey_server


@contextmanager
def _sqlite(folder: Path) -> Iterator[str]:
    yield ""


STORES: Final[Mapping[str, Callable[[Path], AbstractContextManager[str]]]] = {"sqlite": _sqlite}
"""Fresh stores that several processes can share: each gives the lines of the configuration that say where it is."""


@pytest.fixture(params=STORES)
def store_lines(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with STORES[request.param](tmp_path) as lines:
        yield lines


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[Running]:
    """One that may be killed, frozen and flushed."""
    with valkey_server(tmp_path / "valkey") as server:
        yield server


@pytest.fixture
def kills(request: pytest.FixtureRequest) -> int:
    count: int = request.config.getoption("--kills")
    return count


@pytest.fixture
def fleet_strikes(request: pytest.FixtureRequest) -> int:
    count: int = request.config.getoption("--fleet-strikes")
    return count


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
