"""The configuration is applied once, to an AWS that is made up, for all tests that look at the outcome."""

import pytest

from deploy import terraform


@pytest.fixture(scope="session")
def configuration(tmp_path_factory):
    terraform.plugin_folder()
    return terraform.initialised(terraform.copied(tmp_path_factory.mktemp("deploy") / "aws"))


@pytest.fixture(scope="session")
def most(configuration):
    """Everything switched on."""
    return terraform.tested(configuration, "most")


@pytest.fixture(scope="session")
def built(most):
    _lines, [state] = most
    return terraform.resources(state)
