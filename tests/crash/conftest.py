"""What the crash tests are told on the command line."""

import random

import pytest


@pytest.fixture
def kills(request: pytest.FixtureRequest) -> int:
    count: int = request.config.getoption("--kills")
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
