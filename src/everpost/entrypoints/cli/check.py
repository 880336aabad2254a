"""check: every fault of the configuration, and whether the credentials work."""

import asyncio
import http.client
import os
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from msgspec import Struct

from everpost.entrypoints.cli.command import OK, USAGE, Command, Stop
from everpost.entrypoints.cli.screen import Screen, plain
from everpost.model.account import Account
from everpost.providers.contract import HttpRequest, Provider
from everpost.settings import ConfigFault, PostgresStore, Settings, SqliteStore, load
from everpost.wiring import PROVIDERS, PartUnavailable, accounts_of
from everpost.wiring.cloud import Cloud

CONFIG: Final = Path("everpost.toml")


class Finding(Struct, frozen=True, kw_only=True):
    """Something that was looked at."""

    level: str  # ok, warning or fault
    key: str
    message: str
    hint: str = ""


def faults_stop(faults: Sequence[ConfigFault]) -> Stop:
    """How a command ends that can't run with this configuration."""
    details = [f"{fault.key} {fault.message}" + (f" ({fault.hint})" if fault.hint else "") for fault in faults]
    return Stop("the configuration has faults", "", USAGE, error="config", details=details)


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, default=CONFIG, metavar="FILE", help=f"default: {CONFIG}")
    parser.add_argument("--offline", action="store_true", help="ask neither the providers nor the database")


def _run(args: Namespace, screen: Screen) -> int:
    settings = load(args.config, os.environ, PROVIDERS)
    if isinstance(settings, list):
        findings = [Finding(level="fault", key=fault.key, message=fault.message, hint=fault.hint) for fault in settings]
    else:
        findings = _doubts(settings)
        if isinstance(settings.store, SqliteStore):
            findings += _data(settings.data)
        if isinstance(settings.store, PostgresStore) and not args.offline:
            findings += asyncio.run(_database(settings.store))
        if not args.offline:
            findings += _probes(settings)
    return report(args.config, findings, screen)


def _probes(settings: Settings) -> list[Finding]:
    try:
        accounts = asyncio.run(_accounts(settings))
    except PartUnavailable as error:
        return [Finding(level="fault", key="accounts", message=str(error))]
    return [probe(account, PROVIDERS[account.provider]) for account in accounts]


async def _accounts(settings: Settings) -> Sequence[Account]:
    cloud = Cloud(os.environ)
    try:
        return await accounts_of(settings, cloud)
    finally:
        await cloud.wire.close()


def report(config: Path, findings: Sequence[Finding], screen: Screen) -> int:
    is_ok = all(finding.level != "fault" for finding in findings)
    if screen.as_json:
        screen.data({"ok": is_ok, "findings": [_view(finding) for finding in findings]})
    else:
        for finding in findings:
            screen.say(
                f"{screen.paint(finding.level, f'{finding.level:<8}')} {plain(finding.key)}: {plain(finding.message)}"
            )
            if finding.hint:
                screen.say(f"         {plain(finding.hint)}")
        screen.say(f"{config} is fine" if is_ok else f"{config} is not fine")
    return OK if is_ok else USAGE


def _view(finding: Finding) -> dict[str, Any]:
    return {"level": finding.level, "key": finding.key, "message": finding.message, "hint": finding.hint}


def _doubts(settings: Settings) -> list[Finding]:
    return [
        Finding(level="warning", key=warning.key, message=warning.message, hint=warning.hint)
        for warning in settings.warnings
    ]


def _data(folder: Path) -> list[Finding]:
    """Whether the folder can be written to, or made."""
    existing = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    if existing.is_dir() and os.access(existing, os.W_OK | os.X_OK):
        return [Finding(level="ok", key="data", message=f"{folder} can be written to")]
    return [
        Finding(
            level="fault",
            key="data",
            message=f"{existing} is no folder that this user may write to",
            hint="name another folder, or give this one to the user that runs everpost",
        )
    ]


async def _database(place: PostgresStore) -> list[Finding]:
    from everpost.wiring.database import inspect_database  # noqa: PLC0415  for those who have PostgreSQL

    cloud = Cloud(os.environ)
    try:
        sights = await inspect_database(place, cloud)
    finally:
        await cloud.wire.close()
    return [
        Finding(level="ok" if sight.is_sound else "fault", key="store", message=sight.message, hint=sight.hint)
        for sight in sights
    ]


def probe(account: Account, provider: Provider) -> Finding:
    """Asks the provider something that changes nothing, with the account's credentials."""
    key = f"accounts.{account.name}"
    if provider.probe is None:
        message = f"{provider.title} offers no way to try credentials without sending"
        return Finding(level="warning", key=key, message=message, hint="send yourself a mail through it")
    request = provider.probe(account)
    try:
        status = _status_of(request, account.timeouts.connect_s + account.timeouts.answer_s)
    except (OSError, http.client.HTTPException) as error:
        host = urlsplit(request.url).hostname
        why = str(error) if isinstance(error, OSError) else ""  # others quote the server, which may echo the key
        message = f"{host} can't be reached: {why or type(error).__name__}"
        return Finding(level="fault", key=key, message=message, hint="is the network, or a proxy, in the way?")
    if status < 300:
        return Finding(level="ok", key=key, message=f"{provider.title} accepts the credentials")
    if status in provider.probe_refused:
        hint = f"{_secrets(provider)}: is it the right one, with the right to send? {provider.docs}"
        return Finding(
            level="fault", key=key, message=f"{provider.title} refuses the credentials ({status})", hint=hint
        )
    message = f"{provider.title} answered {status}: that says nothing of the credentials"
    return Finding(level="warning", key=key, message=message, hint="try again later")


def _secrets(provider: Provider) -> str:
    return ", ".join(setting.name for setting in provider.settings if setting.secret)


def _status_of(request: HttpRequest, timeout_s: float) -> int:
    parts = urlsplit(request.url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=timeout_s)
    try:
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        connection.request(request.method, target or "/", request.body or None, request.headers)
        return connection.getresponse().status
    finally:
        connection.close()


COMMANDS: Final = {"check": Command(_arguments, _run)}
