"""What a cold start may cost, as a ratio within one run: `make bench PARTS=coldstart` measures it beside its peer."""

import subprocess
import sys

import pytest

from lambda_house import CONFIG
from server_kit import environ

ROUNDS = 3
OF_BOTOCORE_MAX = 0.67
"""A handler, made, of the import of AWS's client alone, which is a quarter of what a usual function imports; each as it
is packed, ours with bytecode and that without. That is the goal: a sixth of a usual function."""

PROGRAM = """
import time
began = time.process_time()
{what}
print(time.process_time() - began)
"""
HANDLER = "import everpost.entrypoints.aws as aws\naws.send_email"
BOTOCORE = "import botocore.session"
ENVIRON = {
    "AWS_REGION": "eu-central-1",
    "EVERPOST_STORE": "dynamodb:mail",
    "EVERPOST_HEALTH": "valkeys://cache:6379?iam=everpost,cache",
    "EVERPOST_WAKEUP": "sqs:https://sqs.eu-central-1.amazonaws.com/1/calls",
}


@pytest.mark.slow
def test_a_handler_is_made_in_less_time_than_awss_client_is_imported_in(tmp_path):
    usual = {name: value for name, value in environ().items() if name != "PYTHONDONTWRITEBYTECODE"}
    config = tmp_path / "everpost.toml"
    values = {"mailgun": "http://127.0.0.1:1", "sendgrid": "http://127.0.0.1:1", "mailgun_key": "k", "sinks": ""}
    config.write_text(CONFIG.format(folder=tmp_path, answer_s=1, **values))
    more = {"PYTHONPYCACHEPREFIX": str(tmp_path), "EVERPOST_CONFIG": str(config)}

    def cpu_s(what, *, writes_bytecode):
        words = [sys.executable, *(() if writes_bytecode else ("-B",)), "-c", PROGRAM.format(what=what)]
        told = subprocess.run(words, env={**usual, **ENVIRON, **more}, capture_output=True, text=True, check=True)
        return float(told.stdout)

    cpu_s(HANDLER, writes_bytecode=True)
    rounds = [(cpu_s(HANDLER, writes_bytecode=True), cpu_s(BOTOCORE, writes_bytecode=False)) for _ in range(ROUNDS)]
    least, least_of_botocore = (min(each) for each in zip(*rounds, strict=True))
    assert least / least_of_botocore < OF_BOTOCORE_MAX, rounds
