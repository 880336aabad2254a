"""The long-running processes: the server, the laptop's all-in-one, and the sandbox alone."""

import ipaddress
from collections.abc import Callable
from pathlib import Path
from typing import Final

from msgspec import Struct

from everpost.sandbox.sandbox import Sandbox
from everpost.settings import Settings
from everpost.wiring import assembled

LOOPBACK: Final = "127.0.0.1"
BACKLOG: Final = 2048
REQUESTS_END_S: Final = 5  # how long a graceful stop waits for requests that are being answered
SANDBOX_DOMAIN: Final = "mg.example.com"

Say = Callable[[str], None]


class DevOptions(Struct, frozen=True, kw_only=True):
    """What `everpost dev` may be told."""

    port: int = 8025
    smtp_port: int = 2525
    data: Path = Path("everpost-data")
    host: str = LOOPBACK
    answer_timeout_s: float = 10.0
    lookup_lag_s: float = 2.0  # the sandbox's records are prompt; real providers' are not


async def run_server(settings: Settings, say: Say) -> None:
    """`everpost serve`: until SIGINT or SIGTERM, then a graceful stop."""
    async with assembled(settings) as engine:
        services = _services(engine, settings.http.host, needs_key=True, sandbox=None)
        await _serve(engine, services, settings.http, lambda: say(f"Everpost listens on {_url(settings.http)}"))


async def run_dev(options: DevOptions, say: Say) -> None:
    """`everpost dev`: server, sandbox providers and inbox in one process, on loopback without keys."""
    sandbox = Sandbox()
    await sandbox.start(LOOPBACK, smtp_port=options.smtp_port)
    try:
        settings = _dev_settings(options, sandbox)
        async with assembled(settings) as engine:
            needs_key = not ipaddress.ip_address(options.host).is_loopback
            services = _services(engine, options.host, needs_key=needs_key, sandbox=sandbox)
            await _serve(engine, services, settings.http, lambda: say(_welcome(options, needs_key=needs_key)))
    finally:
        await sandbox.stop()


async def run_sandbox(say: Say, sendgrid_port: int, mailgun_port: int, smtp_port: int, control_port: int) -> None:
    """`everpost sandbox`: the sandbox providers alone."""
    sandbox = Sandbox()
    await sandbox.start(
        LOOPBACK,
        sendgrid_port=sendgrid_port,
        mailgun_port=mailgun_port,
        smtp_port=smtp_port,
        control_port=control_port,
    )
    try:
        smtp_host, smtp_bound = sandbox.smtp_address
        say(f"SendGrid  {sandbox.sendgrid_url}")
        say(f"Mailgun   {sandbox.mailgun_url}")
        say(f"SMTP      {smtp_host}:{smtp_bound}")
        say(f"Control   {sandbox.control_url}/_sandbox/inbox")
        await _stop_signal().wait()
    finally:
        await sandbox.stop()
