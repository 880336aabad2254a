"""The zip that Lambda runs, as `make lambda` builds it."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from everpost.entrypoints.aws import HANDLERS

sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))

from lambda_zip import NEEDED, OF_HOOKS, build

from hook_values import SECRETS, sendgrid_event, sendgrid_request

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
MACHINES = {"x86_64": 0x3E, "arm64": 0xB7}  # of ELF
NOT_OF_FUNCTIONS = {
    "uvicorn",
    "uvloop",
    "apsw",
    "aiosmtpd",
    "prometheus_client",
    "dns",
    "boto3",
    "botocore",
    "awslambdaric",
}
WORDS_NOT_OF_FUNCTIONS = ("sandbox", "sqlite", "/cli/", "/dev/", "/metrics/")
SIZE_BYTES_MAX = 4_200_000
OF_HOOKS_BYTES_MAX = 9_500_000

PROGRAM = """
import importlib, json, sys
sys.path.insert(0, sys.argv[1])
getattr(importlib.import_module("everpost.entrypoints.aws"), sys.argv[2])
print(json.dumps([str(getattr(module, "__file__", None)) for module in sys.modules.values()]))
"""
CONFIG = """
[accounts.mailgun]
provider = "mailgun"
domain = "mg.example.com"
api_key = "k"
"""
ENVIRON = {
    "AWS_REGION": "eu-central-1",
    "EVERPOST_STORE": "dynamodb:mail?bodies=bodies",
    "EVERPOST_HEALTH": "valkeys://cache:6379?iam=everpost,cache&serverless=true",
    "EVERPOST_WAKEUP": "sqs:https://sqs.eu-central-1.amazonaws.com/1/calls",
    "EVERPOST_EVENTS_SINKS": "kinesis:trail",
}


@pytest.fixture(scope="module")
def zips(tmp_path_factory):
    """One of each architecture; and whether they hold bytecode."""
    folder = tmp_path_factory.mktemp("zips")
    return {arch: (folder / f"{arch}.zip", build(folder / f"{arch}.zip", arch, PYTHON)) for arch in MACHINES}


def test_two_builds_are_the_same_bytes(zips, tmp_path):
    first, _ = zips["x86_64"]
    build(tmp_path / "again.zip", "x86_64", PYTHON)
    assert first.read_bytes() == (tmp_path / "again.zip").read_bytes()


@pytest.mark.parametrize("arch", MACHINES)
def test_it_is_for_its_architecture_and_holds_nothing_that_functions_do_not_need(zips, arch):
    path, compiled = zips[arch]
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        machines = {archive.read(name)[18] for name in names if name.endswith(".so")}
    assert machines == {MACHINES[arch]}
    assert {name.partition("/")[0] for name in names} & NOT_OF_FUNCTIONS == set()
    code = [name for name in names if "/ui/page/" not in name]  # the page has a view of the sandbox's inbox
    assert [name for name in code for word in WORDS_NOT_OF_FUNCTIONS if word in name] == []
    assert names == sorted(names)
    assert compiled == any(name.endswith(".pyc") for name in names) is True
    assert path.stat().st_size < SIZE_BYTES_MAX


@pytest.mark.parametrize("handler", HANDLERS)
def test_each_handler_starts_from_the_zip_alone(zips, tmp_path, handler):
    path, _ = zips["x86_64"]
    folder = tmp_path / "task"
    with zipfile.ZipFile(path) as archive:
        archive.extractall(folder)
    config = tmp_path / "everpost.toml"
    config.write_text(CONFIG)
    told = subprocess.run(
        [sys.executable, "-I", "-S", "-c", PROGRAM, str(folder), handler],
        env={**ENVIRON, "EVERPOST_CONFIG": str(config)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    assert [file for file in json.loads(told.stdout) if "site-packages" in file] == []


VERIFY = """
import json, sys
sys.path.insert(0, sys.argv[1])
from everpost.providers.signing import is_ecdsa_p256
print(is_ecdsa_p256(*[given.encode() if place == 1 else given for place, given in enumerate(json.load(sys.stdin))]))
"""


def test_the_zip_of_hooks_alone_can_check_signatures_by_public_key(zips, tmp_path):
    asked = sendgrid_request([sendgrid_event()])
    signature, stamp = (asked.headers[f"x-twilio-email-event-webhook-{name}"] for name in ("signature", "timestamp"))
    given = json.dumps([SECRETS["sendgrid"], stamp + asked.body.decode(), signature])
    build(tmp_path / "hooks.zip", "x86_64", PYTHON, None, NEEDED | OF_HOOKS)
    assert (tmp_path / "hooks.zip").stat().st_size < OF_HOOKS_BYTES_MAX
    told = []
    for path in (tmp_path / "hooks.zip", zips["x86_64"][0]):
        with zipfile.ZipFile(path) as archive:
            archive.extractall(tmp_path / path.stem)
        words = [sys.executable, "-I", "-S", "-c", VERIFY, str(tmp_path / path.stem)]
        told.append(subprocess.run(words, input=given, capture_output=True, text=True, check=False))
    assert told[0].stdout == "True\n", told[0].stderr
    assert "No module named 'cryptography'" in told[1].stderr
