"""Workflows run what they name, with no more rights than they need, and keep no key of a cloud."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
BY_VERSION = {"pypa/gh-action-pypi-publish@v1.13.0"}  # its digest could not be looked up
LINTERS = ("zizmor", "actionlint")
each = pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)


def jobs(file):
    return yaml.safe_load(file.read_text())["jobs"]


def steps(file):
    return [step for job in jobs(file).values() for step in job["steps"]]


@each
def test_an_action_is_pinned_by_its_digest(file):
    used = {step["uses"] for step in steps(file) if "uses" in step}
    loose = {name for name in used if not re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}", name)}
    assert loose <= BY_VERSION
    assert len(used) > 0


def test_the_same_action_is_the_same_everywhere():
    used = {step["uses"] for file in WORKFLOWS for step in steps(file) if "uses" in step}
    assert len(used) == len({name.partition("@")[0] for name in used})


@each
def test_rights_are_given_job_by_job(file):
    document = yaml.safe_load(file.read_text())
    assert document["permissions"] == {}
    assert all(job["permissions"] and "write-all" not in job["permissions"] for job in document["jobs"].values())
    assert all(job["timeout-minutes"] <= 60 for job in document["jobs"].values())


@each
def test_no_key_of_a_cloud_is_stored(file):
    text = file.read_text()
    assert re.findall(r"secrets\.|aws-access-key-id|aws-secret-access-key|AWS_SECRET|AKIA", text) == []


@each
def test_nothing_from_outside_is_put_into_a_shell(file):
    """An expression in a script is text before the shell reads it: a branch may be named `$(…)`."""
    assert [step["run"] for step in steps(file) if "${{" in step.get("run", "")] == []


@each
def test_a_checkout_leaves_no_token_behind(file):
    checkouts = [step for step in steps(file) if step.get("uses", "").startswith("actions/checkout@")]
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_aws_lets_jobs_in_by_their_identity_and_an_environment():
    deploying = jobs(ROOT / ".github" / "workflows" / "deploy.yml")
    with_identity = {name for name, job in deploying.items() if job["permissions"].get("id-token") == "write"}
    with_role = {name for name, job in deploying.items() if "role-to-assume" in str(job["steps"])}
    assert with_identity == with_role == {"plan", "apply"}
    assert {deploying[name]["environment"] for name in with_role} == {"aws-plan", "aws"}
    assert "head.repo.full_name == github.repository" in deploying["plan"]["if"]
    assert "event_name == 'push'" in deploying["apply"]["if"]


@pytest.mark.parametrize("linter", LINTERS)
def test_a_linter_of_workflows_finds_nothing(linter):
    program = shutil.which(linter) or shutil.which(linter, path=Path(sys.executable).parent)
    if program is None:
        pytest.skip(f"{linter} is not installed (uv sync --group release brings zizmor)")
    arguments = ["--offline", "--no-progress", "--min-severity=medium"] if linter == "zizmor" else []
    done = subprocess.run([program, *arguments, *WORKFLOWS], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
