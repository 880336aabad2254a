"""check: every fault of the configuration, and whether the credentials and the places of data work."""

import asyncio
import os
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from everpost.engine.probing import Verdict, probe
from everpost.engine.wire import Wire
from everpost.entrypoints.cli.command import OK, USAGE, Command, Stop
from everpost.entrypoints.cli.screen import Screen, plain
from everpost.model.account import Account
from everpost.model.route import Route
from everpost.providers.contract import Provider
from everpost.settings import (
    AttachmentPlace,
    ConfigFault,
    FileAttachments,
    ObjectAttachments,
    PostgresStore,
    Settings,
    SqliteStore,
    load,
)
from everpost.wiring import PROVIDERS, PartUnavailable, accounts_of
from everpost.wiring.attachments import try_attachments
from everpost.wiring.cloud import Cloud

CONFIG: Final = Path("everpost.toml")
_OTHER_FOLDER: Final = "name another folder, or give this one to the user that runs everpost"
_BUCKET: Final = (
    "does it exist, in this region or at this endpoint, and may the credentials do PutObject, GetObject, DeleteObject "
    "and ListBucket there?"
)


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
    parser.add_argument(
        "--offline", action="store_true", help="ask neither the providers, nor the database, nor the bucket"
    )


def _run(args: Namespace, screen: Screen) -> int:
    settings = load(args.config, os.environ, PROVIDERS)
    if isinstance(settings, list):
        findings = [Finding(level="fault", key=fault.key, message=fault.message, hint=fault.hint) for fault in settings]
    else:
        findings = _doubts(settings) + _policies(settings.routes)
        if isinstance(settings.store, SqliteStore):
            findings.append(_folder("data", settings.data))
        findings += asyncio.run(_attachments(settings.attachments, is_offline=args.offline))
        if isinstance(settings.store, PostgresStore) and not args.offline:
            findings += asyncio.run(_database(settings.store))
        if not args.offline:
            findings += asyncio.run(_probes(settings))
    return report(args.config, findings, screen)


async def _probes(settings: Settings) -> Sequence[Finding]:
    cloud = Cloud(os.environ)
    try:
        accounts = await accounts_of(settings, cloud)
        probes = (probed_finding(cloud.to_providers, account, PROVIDERS[account.provider]) for account in accounts)
        return await asyncio.gather(*probes)
    except PartUnavailable as error:
        return [Finding(level="fault", key="accounts", message=str(error))]
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


def _policies(routes: Sequence[Route]) -> list[Finding]:
    """What mails may lose, of the routes that say it."""
    return [
        Finding(
            level="ok",
            key=f"routes.{route.name}",
            message=f"its mails may lose {', '.join(route.allow_loss) or 'nothing'}, and what they name themselves",
        )
        for route in routes
        if route.allow_loss is not None
    ]


def _folder(key: str, folder: Path) -> Finding:
    """Whether it can be written to, or made."""
    existing = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    if existing.is_dir() and os.access(existing, os.W_OK | os.X_OK):
        return Finding(level="ok", key=key, message=f"{folder} can be written to")
    return Finding(
        level="fault",
        key=key,
        message=f"{existing} is no folder that this user may write to",
        hint=_OTHER_FOLDER,
    )


async def _attachments(place: AttachmentPlace, *, is_offline: bool) -> list[Finding]:
    """Whether a large attachment can be kept there: one is written, read back and deleted. A folder that is missing is
    left to the server, whose user may be another one."""
    match place:
        case FileAttachments(folder) if not folder.exists():
            return [_folder("attachments", folder)]
        case FileAttachments(folder):
            where, hint = f"the folder {folder}", _OTHER_FOLDER
        case ObjectAttachments(bucket=bucket) if not is_offline:
            where, hint = f"the bucket {bucket}", _BUCKET
        case _:
            return []
    cloud = Cloud(os.environ)
    try:
        faults = await try_attachments(place, cloud)
    finally:
        await cloud.wire.close()
    if faults:
        return [Finding(level="fault", key="attachments", message=f"{where} {each}", hint=hint) for each in faults]
    return [
        Finding(level="ok", key="attachments", message=f"{where} takes an attachment, gives it back and deletes it")
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


async def probed_finding(wire: Wire, account: Account, provider: Provider) -> Finding:
    """What became of asking the provider something that changes nothing, with the account's credentials."""
    probed = await probe(wire, account, provider, time.monotonic)
    secrets = ", ".join(setting.name for setting in provider.settings if setting.secret)
    level, hint = {
        Verdict.WORKS: ("ok", ""),
        Verdict.REFUSED: ("fault", f"{secrets}: is it the right one, with the right to send? {provider.docs}"),
        Verdict.UNREACHABLE: ("fault", "is the network, or a proxy, in the way?"),
        Verdict.UNCLEAR: ("warning", "try again later"),
        Verdict.UNASKED: ("warning", "send yourself a mail through it"),
    }[probed.verdict]
    return Finding(level=level, key=f"accounts.{account.name}", message=probed.text, hint=hint)


COMMANDS: Final = {"check": Command(_arguments, _run)}
