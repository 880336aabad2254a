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
def test_what_can_not_work_is_refused_before_anything_is_built(configuration):
    lines, _states = terraform.tested(configuration, "refusals")
    assert outcome(lines) == ("pass", [])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["least", "most"])
def test_the_least_and_the_most_can_be_built(name, applied):
    lines, resources = applied[name]
    assert outcome(lines) == ("pass", [])
    assert len(resources) > 80


def outcome(lines):
    [summary] = [line["test_summary"]["status"] for line in lines if line["type"] == "test_summary"]
    return summary, terraform.failures(lines)
