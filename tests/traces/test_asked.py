"""Traces are made where OpenTelemetry's own variables ask for them, and nowhere else."""

import json
import subprocess
import sys

import pytest

from everpost.traces.port import UNTRACED
from everpost.wiring.traces import tracer_of
from server_kit import environ

ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}
PROGRAM = """
import asyncio, json, sys
from pathlib import Path
from everpost.entrypoints import laptop, server
from everpost.sandbox.sandbox import Sandbox

async def main():
    sandbox = Sandbox()
    await sandbox.start()
    settings = laptop._dev_settings(laptop.DevOptions(data=Path(sys.argv[1])), sandbox)
    async with server.counted(settings):
        print(json.dumps(sorted(sys.modules)))
    await sandbox.stop()

asyncio.run(main())
"""


def imported(folder, **more):
    """The modules of a server that is ready to run."""
    told = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder)], env=environ() | more, capture_output=True, text=True, check=True
    )
    return {name for name in json.loads(told.stdout) if name.partition(".")[0] in ("opentelemetry", "requests")}


def test_a_server_that_is_not_asked_for_traces_imports_nothing_of_them(tmp_path):
    assert imported(tmp_path) == set()
    assert imported(tmp_path, **ENDPOINT) >= {"opentelemetry.sdk.trace"}


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"OTEL_SERVICE_NAME": "mail"},
        ENDPOINT | {"OTEL_SDK_DISABLED": "true"},
        ENDPOINT | {"OTEL_TRACES_EXPORTER": "none"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": ""},
    ],
)
def test_nobody_traces_unasked(asked):
    assert tracer_of(asked) is UNTRACED


@pytest.mark.parametrize(
    "asked", [ENDPOINT, {"OTEL_TRACES_EXPORTER": "otlp"}, {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:1"}]
)
async def test_each_way_of_asking_is_heard(asked):
    tracer = tracer_of(asked)
    assert tracer is not UNTRACED
    await tracer.close()


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "OTEL_EXPORTER_OTLP_PROTOCOL is 'grpc': .*http/protobuf.*4318"),
        ({"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/json"}, "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL is 'http/json'"),
        ({"OTEL_TRACES_EXPORTER": "zipkin"}, "OTEL_TRACES_EXPORTER is 'zipkin': traces leave by otlp"),
    ],
)
def test_what_can_not_be_done_is_refused_with_the_variable_that_asks_for_it(asked, words):
    with pytest.raises(ValueError, match=words):
        tracer_of(ENDPOINT | asked)


def test_what_is_not_installed_is_named_with_the_way_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "everpost.traces.otel", None)
    with pytest.raises(ValueError, match=r"OTEL_EXPORTER_OTLP_ENDPOINT asks for traces.*everpost\[otel\]"):
        tracer_of(ENDPOINT)
