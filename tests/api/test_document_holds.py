"""A running server does what its OpenAPI document says, whoever calls: schemathesis makes the calls.

`make fuzz` runs it longer: --api-examples.
"""

import asyncio
import json
import os
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from crash.processes import Process, installation
from server_kit import EVERPOST, HOST, free_ports

FOLDER = Path(__file__).parent
GARBAGE = "ep_0000000000_0000000000000000000000000000000000000000000"
SCOPES = ("read", "send", "admin")


@dataclass
class Target:
    """A server, and the scope of each key that it knows; None: it needs none."""

    url: str
    scopes: dict[str, str] | None


async def run(*words, **environ):
    process = await asyncio.create_subprocess_exec(
        *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, env=os.environ | environ
    )
    told, _ = await process.communicate()
    return process.returncode, told.decode()


@asynccontextmanager
async def with_keys(folder):
    async with installation(folder) as place:
        server = place.add_server()
        await server.start()
        keys = {await place.new_key(scope): scope for scope in SCOPES}
        yield Target(server.url, keys)


@asynccontextmanager
async def on_loopback(folder):
    port, smtp = free_ports(2)
    words = (*EVERPOST, "dev", "--port", str(port), "--smtp-port", str(smtp), "--data", str(folder / "data"))
    server = Process(words, folder / "dev.log", f"http://{HOST}:{port}", "/readyz")
    try:
        await server.start()
        yield Target(server.url, None)
    finally:
        await server.kill()


async def check_document(target, token, examples, *words):
    """Runs schemathesis; fails with what it tells."""
    told = ("--header", f"Authorization: Bearer {token}") if token else ()
    excluded = () if target.scopes and target.scopes.get(token) else ("--exclude-checks", "ignored_auth")
    code, said = await run(
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(FOLDER / "schemathesis.toml")),
        *("run", f"{target.url}/openapi.json", "--seed", "1", "--max-examples", str(examples), "--no-color"),
        *(*told, *excluded, *words),
        PYTHONPATH=str(FOLDER),
        SCHEMATHESIS_HOOKS="checks",
        EVERPOST_SCOPES=json.dumps(target.scopes),
    )
    assert code == 0, said


@pytest.mark.slow
@pytest.mark.timeout(3600)
async def test_without_keys_on_loopback_everything_answers_as_documented(tmp_path, api_examples):
    async with on_loopback(tmp_path) as target:
        await check_document(target, None, api_examples)


@pytest.mark.slow
@pytest.mark.timeout(3600)
async def test_with_keys_everybody_gets_what_the_scope_allows_and_as_documented(tmp_path, api_examples):
    few = max(1, api_examples // 10)
    async with with_keys(tmp_path) as target:
        for token in (None, GARBAGE):
            await check_document(target, token, few, "--phases", "examples,coverage,fuzzing")
        for token, scope in target.scopes.items():
            phases = () if scope == "admin" else ("--phases", "examples,coverage,fuzzing")
            await check_document(target, token, api_examples if scope == "admin" else few, *phases)
