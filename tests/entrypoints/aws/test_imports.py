"""What a handler imports is what its cold start costs."""

import json
import os
import subprocess
import sys

import pytest

from everpost.entrypoints.aws import HANDLERS
from lambda_house import CONFIG
from server_kit import environ

ALLOWED = {"everpost", "msgspec", "httptools", "cython_runtime", "typing_extensions"}
"""Beside the standard library; the last two by the two before, the very last only where it is installed."""
NOT_BEFORE_THEY_ARE_NEEDED = {
    "apsw",
    "uvicorn",
    "uvloop",
    "aiosmtpd",
    "prometheus_client",
    "email_validator",
    "sqlite3",
    "multiprocessing",
    "cryptography",
    "everpost.store.sqlite",
    "everpost.health.sqlite",
    "everpost.sandbox",
    "everpost.entrypoints.http.protocol",
    "everpost.engine.webhooks",
    "everpost.webhooks",
    "everpost.dialects.notices.table",
    "everpost.providers.brevo",  # no account is there
    "everpost.providers.ses",
}
OF_ONE_DUTY = {
    "everpost.entrypoints.http.openapi": {"api"},
    "everpost.entrypoints.http.door": {"send_email", "get_email_provider", "set_email_provider", "api", "hooks"},
    "everpost.sinks.kinesis": {"relay"},
    "everpost.entrypoints.emf": {"relay", "hooks"},
    "everpost.wakeup.sqs": {"send_email", "api"},
}
AWS = {
    "AWS_REGION": "eu-central-1",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "EVERPOST_STORE": "dynamodb:mail",
    "EVERPOST_HEALTH": "valkey://127.0.0.1:1",
    "EVERPOST_WAKEUP": "sqs:http://127.0.0.1:1/queue",
    "EVERPOST_EVENTS_SINKS": "kinesis:trail",
}
PROGRAM = """
import importlib, json, sys
before = set(sys.modules)
package, _, name = sys.argv[1].rpartition(".")
getattr(importlib.import_module(package), name)
print(json.dumps(sorted(set(sys.modules) - before)))
"""


@pytest.fixture
def imported(tmp_path):
    """The modules that a handler brings in."""

    def imported(handler, more=AWS):
        config = tmp_path / "everpost.toml"
        values = {"mailgun": "http://127.0.0.1:1", "sendgrid": "http://127.0.0.1:1", "mailgun_key": "k", "sinks": ""}
        config.write_text(CONFIG.format(folder=tmp_path, answer_s=1, **values))
        told = subprocess.run(
            [sys.executable, "-c", PROGRAM, f"everpost.entrypoints.aws.{handler}"],
            env={**environ(), **more, "EVERPOST_CONFIG": str(config)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert told.returncode == 0, told.stderr
        return set(json.loads(told.stdout))

    return imported


def _names(modules, wanted):
    return {name for name in wanted if any(module == name or module.startswith(f"{name}.") for module in modules)}


@pytest.mark.parametrize("handler", HANDLERS)
def test_a_handler_imports_what_it_needs_and_nothing_else(imported, handler):
    modules = imported(handler)
    packages = {module.partition(".")[0] for module in modules}
    assert packages - ALLOWED - sys.stdlib_module_names - {name for name in packages if name.startswith("_")} == set()
    assert _names(modules, NOT_BEFORE_THEY_ARE_NEEDED) == set()
    strange = {name for name, duties in OF_ONE_DUTY.items() if handler not in duties}
    assert _names(modules, strange) == set()
    assert _names(modules, OF_ONE_DUTY) == OF_ONE_DUTY.keys() - strange


def test_a_process_on_sqlite_imports_nothing_of_aws(imported):
    modules = imported("deliver", {})
    strange = {"everpost.aws", "everpost.store.dynamodb", "everpost.vault", "everpost.health.valkey", "everpost.valkey"}
    assert _names(modules, strange) == set()
    assert "everpost.store.sqlite" in modules


def test_a_handler_is_known_by_its_name_alone():
    words = [sys.executable, "-c", "import everpost.entrypoints.aws as a, sys; print('msgspec' in sys.modules)"]
    told = subprocess.run(words, env=dict(os.environ), capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "False"
