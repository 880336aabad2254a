"""Workflows run what they name, with no more rights than they need, and keep no key of a cloud."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from system_parts import missing

ROOT = Path(__file__).resolve().parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
BY_VERSION = {"pypa/gh-action-pypi-publish@v1.13.0"}  # its digest could not be looked up
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


def test_packages_are_written_for_a_tag_alone_and_by_who_has_to():
    writing = {
        (file.stem, name)
        for file in WORKFLOWS
        for name, job in jobs(file).items()
        if job["permissions"].get("packages") == "write"
    }
    assert writing == {("release", "image"), ("release", "chart")}
    released = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text())
    assert released[True] == {"push": {"tags": ["v*"]}}  # YAML 1.1 reads `on` as true
    assert (released["jobs"]["image"]["needs"], released["jobs"]["chart"]["needs"]) == ("build", "image")


def test_an_image_is_pushed_with_what_it_is_made_of_and_where_it_comes_from():
    [push] = [step["with"] for step in steps_of("image") if "docker/build-push-action" in step.get("uses", "")]
    assert push["platforms"] == "linux/amd64,linux/arm64"
    assert (push["sbom"], push["provenance"]) == (True, "mode=max")
    assert "steps.names.outputs.base" in push["build-args"]
    [attest] = [step["with"] for step in steps_of("image") if "attest-build-provenance" in step.get("uses", "")]
    assert attest["subject-digest"] == "${{ steps.push.outputs.digest }}"


def test_a_released_chart_names_its_image_by_digest(tmp_path):
    [run] = [step["run"] for step in steps_of("chart") if "sed" in step.get("run", "")]
    values = "deploy/helm/everpost/values.yaml"
    (tmp_path / values).parent.mkdir(parents=True)
    (tmp_path / values).write_text((ROOT / values).read_text())
    told = {"IMAGE": "ghcr.io/example/everpost", "DIGEST": "sha256:" + 64 * "0", "PATH": os.environ["PATH"]}
    naming = run.partition("helm package")[0]
    subprocess.run(["bash", "-euo", "pipefail", "-c", naming], cwd=tmp_path, env=told, check=True)
    image = yaml.safe_load((tmp_path / values).read_text())["image"]
    assert (image["repository"], image["digest"]) == (told["IMAGE"], told["DIGEST"])


def steps_of(job):
    return jobs(ROOT / ".github" / "workflows" / "release.yml")[job]["steps"]


def test_the_roles_in_aws_are_bound_to_the_environments_of_the_workflow():
    roles = (ROOT / "deploy" / "aws" / "examples" / "pipeline" / "main.tf").read_text()
    deploying = jobs(ROOT / ".github" / "workflows" / "deploy.yml")
    bound = dict(re.findall(r'(\w+)\s*= \{ environment = "([\w-]+)"', roles))
    assert bound == {name: job["environment"] for name, job in deploying.items() if "environment" in job}
    assert '"repo:${var.repository}:environment:${each.value.environment}"' in roles
    assert "StringLike" not in roles


@each
def test_a_linter_of_workflows_finds_nothing(file, tmp_path):
    copy = tmp_path / ".github" / "workflows" / file.name
    copy.parent.mkdir(parents=True)
    copy.write_text(as_if_all_were_pinned(file.read_text()))
    assert linted(copy) == (0, [])


def linted(file):
    """What zizmor answers with, and the names of what it has found."""
    program = Path(sys.executable).parent / "zizmor"
    if not program.exists():
        missing("zizmor is not installed: it comes with the dependency group `dev`")
    arguments = [program, "--offline", "--no-progress", "--format=json", file]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    return done.returncode, [finding["ident"] for finding in json.loads(done.stdout)]


def as_if_all_were_pinned(text):
    for name in BY_VERSION:
        text = text.replace(name, f"{name.partition('@')[0]}@{'0' * 40}")
    return text


def test_the_linter_sees_what_an_attacker_could_use(tmp_path):
    workflow = tmp_path / ".github" / "workflows" / "bad.yml"
    workflow.parent.mkdir(parents=True)
    workflow.write_text(
        "on: pull_request_target\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    steps:\n"
        "      - run: echo ${{ github.event.pull_request.title }}\n"
    )
    code, found = linted(workflow)
    assert code != 0
    assert {"dangerous-triggers", "template-injection"} <= set(found)
