"""Terraform with its AWS provider, where this machine has both. Elsewhere, in CI too, tests say so and are skipped."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CONFIGURATION = ROOT / "deploy" / "aws"
PAGE = ROOT / "src" / "everpost" / "entrypoints" / "ui"
PLUGIN_FOLDERS = (
    Path.home() / ".terraform.d" / "plugins",
    Path("/usr/local/share/terraform/plugins"),
    Path("/usr/share/terraform/plugins"),
    *sorted(Path("/opt").glob("*plugins*")),
)
PROVIDERS = (  # unpacked, and as `terraform providers mirror` leaves them
    "registry.terraform.io/hashicorp/aws/*/*/terraform-provider-aws*",
    "registry.terraform.io/hashicorp/aws/terraform-provider-aws*.zip",
)
MADE_BY_INIT = shutil.ignore_patterns(".terraform", ".terraform.lock.hcl", "*.tfstate*")


def plugin_folder() -> Path:
    """TF_PLUGIN_DIR, or the first of the usual folders that holds the provider."""
    if shutil.which("terraform") is None:
        pytest.skip("terraform is not installed: nothing under deploy/aws was tried")
    named = os.environ.get("TF_PLUGIN_DIR")
    for folder in (Path(named),) if named else PLUGIN_FOLDERS:
        if any(found for pattern in PROVIDERS for found in folder.glob(pattern)):
            return folder
    pytest.skip(
        "no folder of plugins holds terraform's AWS provider (TF_PLUGIN_DIR names one): deploy/aws was not tried"
    )


def run(folder: Path, *arguments: str, timeout: float = 600) -> subprocess.CompletedProcess:
    """Terraform in that folder, without colours, questions and the machine's own settings."""
    environment = os.environ | {
        "AWS_EC2_METADATA_DISABLED": "true",
        "CHECKPOINT_DISABLE": "1",
        "TF_CLI_CONFIG_FILE": os.devnull,
        "TF_IN_AUTOMATION": "1",
        "TF_INPUT": "0",
    }
    return subprocess.run(
        ["terraform", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def copied(target: Path) -> Path:
    """A copy of deploy/aws, and of the page that it serves, to work in: terraform writes beside what it reads."""
    for folder in (PAGE, CONFIGURATION):
        shutil.copytree(folder, target / folder.relative_to(ROOT), ignore=MADE_BY_INIT)
    return target / CONFIGURATION.relative_to(ROOT)


def initialised(folder: Path) -> Path:
    done = run(folder, "init", "-backend=false", f"-plugin-dir={plugin_folder()}")
    assert done.returncode == 0, done.stderr
    return folder


def tested(folder: Path, file: str) -> tuple[list[dict], list[dict]]:
    """What `terraform test` says of each run, and the states that it made up."""
    done = run(folder, "test", "-json", "-verbose", f"-filter=tests/{file}.tftest.hcl")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert lines, done.stderr
    return lines, [line["test_state"] for line in lines if line["type"] == "test_state"]


def failures(lines: list[dict]) -> list[str]:
    return [
        f"{line['@message']} {line['diagnostic'].get('detail', '')}"
        for line in lines
        if line["type"] == "diagnostic" and line["diagnostic"]["severity"] == "error"
    ]


def resources(state: dict) -> list[dict]:
    """All managed resources of a state, whatever module they are in."""

    def walk(module):
        yield from (one for one in module.get("resources", ()) if one["mode"] == "managed")
        for child in module.get("child_modules", ()):
            yield from walk(child)

    return list(walk(state["root_module"]))
