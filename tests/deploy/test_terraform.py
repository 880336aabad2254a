"""The configuration is well formed, valid, and does what its own tests say."""

import pytest

from deploy import terraform

EXAMPLES = sorted(folder.name for folder in (terraform.CONFIGURATION / "examples").iterdir())


def test_it_is_formatted():
    terraform.plugin_folder()
    done = terraform.run(terraform.CONFIGURATION, "fmt", "-check", "-recursive", "-diff")
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_valid(name, configuration):
    done = terraform.run(terraform.initialised(configuration / "examples" / name), "validate")
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("name", ["least", "refusals"])
def test_its_own_tests_pass(name, configuration):
    lines, _states = terraform.tested(configuration, name)
    assert terraform.failures(lines) == []
    assert [line["test_summary"]["status"] for line in lines if line["type"] == "test_summary"] == ["pass"]


@pytest.mark.slow
def test_everything_switched_on_can_be_built(most):
    lines, states = most
    assert terraform.failures(lines) == []
    assert len(states) == 1
