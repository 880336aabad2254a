"""What the simulator has played, told at the end."""

import logging
from collections.abc import Iterator

import pytest

from sim.tally import Tally

_TALLY = pytest.StashKey[Tally]()


@pytest.fixture
def tally(pytestconfig: pytest.Config) -> Tally:
    return pytestconfig.stash.setdefault(_TALLY, Tally())


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Trouble is what is asked for here; to log it would take longer than to make it."""
    logging.disable(logging.WARNING)
    yield
    logging.disable(logging.NOTSET)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    tally = config.stash.get(_TALLY, None)
    if tally is not None:
        terminalreporter.section("simulator")
        for line in tally.lines():
            terminalreporter.write_line(line)
