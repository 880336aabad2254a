"""The laptop's processes: the all-in-one, and the sandbox alone."""

import ipaddress
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from everpost.entrypoints.dev.drills import Drills
from everpost.entrypoints.dev.operations import sandbox_operations
from everpost.entrypoints.http.app import build_app
from everpost.entrypoints.server import LOOPBACK, Say, counted, serve, services_of, stop_signal, url_of
from everpost.entrypoints.smtp.listeners import Listeners
from everpost.entrypoints.smtp.opening import opened
from everpost.model.account import Account, Timeouts
from everpost.model.route import Route, RouteAccount
from everpost.providers.contract import Form
from everpost.providers.hooks import SECRET
from everpost.sandbox.sandbox import APIS, Sandbox
from everpost.settings import HttpSettings, Retention, Settings, SubmissionSettings, WebhookSettings
from everpost.wiring import PROVIDERS

CONNECT_S: Final = 2.0  # to a sandbox provider on this machine; and
WRITE_S: Final = 2.0  # short, since "it has it not" is believed only after the longest possible attempt
SANDBOX_DOMAIN: Final = "mg.example.com"
SUBMISSION_PORT: Final = 2587
USUAL: Final = ("mailgun", "sendgrid")
HERE: Final = WebhookSettings(
    allow=(ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128")), plain_http=True
)
"""A receiver on this machine is good enough to try webhooks with."""


class DevOptions(Struct, frozen=True, kw_only=True):
    """What `everpost dev` may be told."""

    port: int = 8025
    smtp_port: int = 2525
    submission_port: int | None = None  # None: SUBMISSION_PORT, or any free one if that is taken
    control_port: int = 0  # of the sandbox; 0: any free one
    data: Path = Path("everpost-data")
    host: str = LOOPBACK
    answer_timeout_s: float = 10.0
    lookup_lag_s: float = 2.0  # the sandbox's records are prompt; real providers' are not
    more: tuple[str, ...] = ()  # providers whose accounts come after the usual ones


async def run_dev(options: DevOptions, say: Say) -> None:
    """`everpost dev`: server, sandbox providers and inbox in one process, on loopback without keys."""
    sandbox = Sandbox()
    drills = Drills(sandbox)
    await sandbox.start(LOOPBACK, {"smtp": options.smtp_port, "control": options.control_port})
    try:
        settings = _dev_settings(options, sandbox)
        async with counted(settings) as (engine, metrics):
            needs_key = not ipaddress.ip_address(options.host).is_loopback
            services = services_of(engine, metrics, needs_key=needs_key, inbox=sandbox.inbox)
            door = build_app(services, sandbox_operations(sandbox, drills))
            submission = await _opened(partial(opened, engine, door, services), settings, options.submission_port)
            welcome = partial(_welcome, options, sandbox, submission.places[0], needs_key=needs_key)
            try:
                await serve(engine, door, settings.http, lambda: say(welcome()), submission=submission)
            finally:
                await drills.stop()
    finally:
        await sandbox.stop()


async def run_sandbox(say: Say, host: str, ports: Mapping[str, int]) -> None:
    """`everpost sandbox`: the sandbox providers alone."""
    stop = stop_signal()  # before anything is said: whoever reads it may send the signal at once
    sandbox = Sandbox()
    await sandbox.start(host, ports)
    try:
        smtp_host, smtp_bound = sandbox.smtp_address
        for name in APIS:
            say(f"{PROVIDERS[name].title:<14}{sandbox.url(name)}")
        say(f"{'SMTP':<14}{smtp_host}:{smtp_bound}")
        say(f"{'Control':<14}{sandbox.control_url}/_sandbox/inbox")
        await stop.wait()
    finally:
        await sandbox.stop()


async def _opened(open_: Callable[[Settings], Awaitable[Listeners]], settings: Settings, port: int | None) -> Listeners:
    """Where mail is taken by SMTP as the API takes it."""
    wanted = SUBMISSION_PORT if port is None else port
    try:
        return await open_(replace(settings, submission=SubmissionSettings(plain_port=wanted)))
    except OSError:
        if port is not None:
            raise
        return await open_(replace(settings, submission=SubmissionSettings(plain_port=0)))


def _dev_settings(options: DevOptions, sandbox: Sandbox) -> Settings:
    accounts = tuple(_account(options, sandbox, name) for name in dict.fromkeys((*USUAL, *options.more)))
    route = Route(name="default", accounts=tuple(RouteAccount(account=account.name) for account in accounts))
    return Settings(
        data=options.data,
        http=HttpSettings(host=options.host, port=options.port),
        accounts=accounts,
        routes=(route,),
        sinks=(),
        retention=Retention(),
        log_level="warning",
        webhooks=HERE,
    )


def _account(options: DevOptions, sandbox: Sandbox, provider: str) -> Account:
    """At a sandbox provider, with whatever credentials: it lets in everybody."""
    asked = (each for each in PROVIDERS[provider].settings if each.required or (each.secret and each.name != SECRET))
    settings = {each.name: SANDBOX_DOMAIN if each.form is Form.DOMAIN else "sandbox" for each in asked}
    return Account(
        name=provider,
        provider=provider,
        settings=settings | {"base_url": sandbox.url(provider)} | _told(options, sandbox, provider),
        timeouts=Timeouts(connect_s=CONNECT_S, write_s=WRITE_S, answer_s=options.answer_timeout_s),
        lookup_lag_s=options.lookup_lag_s,
    )


def _told(options: DevOptions, sandbox: Sandbox, provider: str) -> dict[str, str]:
    """The sandbox provider is set up to tell what becomes of mail, and the account to know that it is that."""
    if PROVIDERS[provider].webhook is None:
        return {}
    everywhere = ipaddress.ip_address(options.host).is_unspecified
    url = url_of(HttpSettings(host=LOOPBACK if everywhere else options.host, port=options.port))
    return sandbox.telling.tell(provider, f"{url}/hooks/{provider}", sandbox.url(provider))


def _welcome(options: DevOptions, sandbox: Sandbox, submission: str, *, needs_key: bool) -> str:
    url = url_of(HttpSettings(host=options.host, port=options.port))
    host, port = sandbox.smtp_address
    body = '{"from":"ann@example.com","to":"bob@example.org","subject":"Hello","text":"It works"}'
    keys = f"\n  Keys       needed here: everpost keys create --scope admin --data {options.data}" if needs_key else ""
    authorization = "    -H 'Authorization: Bearer KEY' \\\n" if needs_key else ""
    return f"""Everpost runs at {url}

  Page       {url}    send, watch, switch providers
  Inbox      {url}/#/inbox    what the sandbox providers were sent
  API        {url}/docs
  SMTP       {submission}    mail sent here is taken as by the API
  Sandbox    {host}:{port}    mail sent here by SMTP goes straight to the inbox
  Data       {options.data}{keys}

Send the first mail:

  curl -X POST {url}/sendEmail \\
{authorization}    -H 'Content-Type: application/json' \\
    --data-raw '{body}'
"""
