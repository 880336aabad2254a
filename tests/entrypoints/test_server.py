"""The server as one process: how it ends."""

import asyncio
import json
import logging
import os
import signal

import pytest

from everpost.entrypoints.cli.demo_server import _free_ports
from everpost.entrypoints.laptop import DevOptions, run_dev
from everpost.providers.contract import HttpRequest
from everpost.sandbox.sandbox import APIS
from http_kit import NATIVE
from plain_http import exchange


async def asked(method, url, body=None, **headers):
    content = b"" if body is None else json.dumps(body).encode()
    answer = await exchange(HttpRequest(method=method, url=url, headers=headers, body=content))
    return answer.status, json.loads(answer.body)


async def in_flight(url):
    _, page = await asked("GET", f"{url}/v1/accounts")
    return sum(account["in_flight"] for account in page["data"])


@pytest.mark.slow
async def test_who_waits_for_a_hand_over_is_answered_when_the_server_stops(tmp_path, caplog):
    port, control_port = _free_ports(2)
    url, control = (f"http://127.0.0.1:{number}" for number in (port, control_port))
    options = DevOptions(
        port=port, smtp_port=0, control_port=control_port, data=tmp_path / "data", answer_timeout_s=1.0
    )
    ready = asyncio.Event()
    with caplog.at_level(logging.WARNING):
        server = asyncio.create_task(run_dev(options, lambda _: ready.set()))
        await ready.wait()
        for provider in ("mailgun", "sendgrid"):
            await asked("PUT", f"{control}/_sandbox/{provider}/faults", {"kind": "hang"})
        waiting = asyncio.create_task(asked("POST", f"{url}/v1/emails", NATIVE, prefer="wait=60"))
        async with asyncio.timeout(30):
            while not await in_flight(url):
                continue
        os.kill(os.getpid(), signal.SIGTERM)
        status, answer = await waiting
        await server
    assert (status, answer["state"]) == (202, "queued")
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []


@pytest.mark.slow
async def test_a_development_server_hands_mail_to_every_sandbox_provider_that_it_is_started_with(tmp_path):
    [port] = _free_ports(1)
    url = f"http://127.0.0.1:{port}"
    mail = NATIVE | {"text": "It works at every one of them"}  # some take no shorter ones
    ready = asyncio.Event()
    server = asyncio.create_task(
        run_dev(DevOptions(port=port, smtp_port=0, data=tmp_path / "data", more=tuple(APIS)), lambda _: ready.set())
    )
    await ready.wait()
    try:
        for provider in APIS:
            pinned = {"provider_options": {provider: {}}}
            status, answer = await asked("POST", f"{url}/v1/emails", mail | pinned, prefer="wait=30")
            assert (status, answer.get("state")) == (200, "sent"), (provider, answer)
        _, caught = await asked("GET", f"{url}/v1/inbox")
        assert sorted(each["provider"] for each in caught["data"]) == sorted(APIS)
    finally:
        os.kill(os.getpid(), signal.SIGTERM)
        await server
