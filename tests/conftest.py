"""Options and fixtures shared by all tests."""

from collections.abc import Iterator

import pytest
from hypothesis import settings

import judge

settings.register_profile("everpost", deadline=None)  # how fast a machine is proves nothing
settings.load_profile("everpost")


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of AWS's APIs, started once for all tests that want it."""
    from aws_kit import ministack  # noqa: PLC0415  most tests need none of it

    with ministack(tmp_path_factory.mktemp("aws") / "log") as endpoint:
        yield endpoint


@pytest.fixture(scope="session")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    """A PostgreSQL, started once for all tests that want a database of it."""
    import postgres_kit  # noqa: PLC0415  as above

    with postgres_kit.databases(tmp_path_factory.mktemp("postgres")) as made:
        yield made


def pytest_unconfigure() -> None:
    judge.OPEN.close()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--seeds", type=int, default=20, help="how many seeds the simulator runs with each store")
    parser.addoption("--first-seed", type=int, default=1, help="the first of them")
    parser.addoption("--kills", type=int, default=20, help="how often the crash test kills its server")
    parser.addoption("--fleet-strikes", type=int, default=8, help="how often a part of a fleet is killed or frozen")
    parser.addoption("--database-strikes", type=int, default=7, help="how often what a fleet stands on is struck")
    parser.addoption("--syscall-strikes", type=int, default=6, help="how many of the first 200 calls fail, by kind")
    parser.addoption("--power-seeds", type=int, default=2, help="how many lives end by a power cut, in all their parts")
    parser.addoption("--crash-seed", type=int, help="of the chance in the crash tests; default: a new one each time")
    parser.addoption("--storms", action="store_true", help="bad weather on every line of a fleet, and broken fleets")
    parser.addoption("--api-examples", type=int, default=10, help="how many calls of each operation schemathesis makes")
    parser.addoption("--fuzz-inputs", type=int, default=250, help="how many inputs chance makes for each fuzz target")
    parser.addoption(
        "--deployed", action="store_true", help="apply deploy/aws to an AWS on loopback, call and destroy it"
    )
