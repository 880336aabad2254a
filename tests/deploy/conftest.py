"""The configuration is applied once, to an AWS that is made up, for all tests that look at the outcome."""

from pathlib import Path

import pytest

from deploy import terraform

TIMEOUT_S = 1200  # whichever test comes first waits until all is applied, beside whatever else the machine does


def pytest_ignore_collect(collection_path, config):
    """Minutes of building and taking down again are asked for by `make deploy-test`, and are no part of a usual run."""
    return (collection_path.name == "test_deployed.py" and not config.getoption("--deployed")) or None


def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent) and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(TIMEOUT_S))


@pytest.fixture(scope="session")
def configuration(tmp_path_factory):
    terraform.plugin_folder()
    return terraform.initialised(terraform.copied(tmp_path_factory.mktemp("deploy")))


@pytest.fixture(scope="session")
def applied(configuration):
    """The least that can be built, and the most: what terraform said, and the resources that came of it."""

    def outcome(name):
        lines, states = terraform.tested(configuration, name)
        assert len(states) == 1, terraform.failures(lines)
        return lines, terraform.resources(states[0])

    return {name: outcome(name) for name in ("least", "most")}


@pytest.fixture(scope="session")
def built(applied):
    """Everything switched on."""
    return applied["most"][1]
