"""backfill: asks a provider for the events that its webhooks missed, and takes them in, beside servers at work."""

import asyncio
import os
import time
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from msgspec.structs import asdict

from everpost.engine.backfill import Filled
from everpost.entrypoints.cli.check import CONFIG, faults_stop
from everpost.entrypoints.cli.command import FAILED, OK, USAGE, Command, Stop
from everpost.entrypoints.cli.screen import Screen
from everpost.settings import Settings, load
from everpost.store.port import StoreUnavailable
from everpost.wiring import PROVIDERS, PartUnavailable, Role, assembled

_UNITS: Final = {"m": 60.0, "h": 3600.0, "d": 86_400.0}


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--account", required=True, metavar="NAME", help="an account of the configuration")
    parser.add_argument(
        "--since",
        required=True,
        type=_instant,
        metavar="TIME",
        help="2030-01-31T09:00:00Z, or so long ago: 90m, 6h, 2d",
    )
    parser.add_argument("--config", type=Path, default=CONFIG, metavar="FILE", help=f"default: {CONFIG}")


def _run(args: Namespace, screen: Screen) -> int:
    settings = load(args.config, os.environ, PROVIDERS)
    if isinstance(settings, list):
        raise faults_stop(settings)
    try:
        filled = asyncio.run(_fill(settings, args.account, args.since))
    except (StoreUnavailable, PartUnavailable) as error:
        raise Stop(str(error)) from None
    if screen.as_json:
        screen.data(asdict(filled))
    else:
        screen.say(f"{filled.listed} events listed, {filled.joined} of known mails; {filled.fresh} were new")
    if filled.left_out and not screen.as_json:
        screen.say(f"not all are there: {filled.left_out}")
    if filled.trouble:
        raise Stop(f"it broke off: {filled.trouble}", "what was listed is kept; run it again to go on", FAILED)
    return OK


async def _fill(settings: Settings, account: str, since: float) -> Filled:
    async with assembled(settings, Role.DELIVER) as engine:
        able = engine.backfill.can_be_asked
        if account not in able:
            hint = f"accounts whose providers list events: {', '.join(able) or 'none'}"
            raise Stop(f"account {account!r} can't be asked for events", hint, USAGE)
        return await engine.backfill.fill(account, since)


def _instant(text: str) -> float:
    if text[-1:] in _UNITS and text[:-1].isascii() and text[:-1].isdecimal():
        return time.time() - int(text[:-1]) * _UNITS[text[-1]]
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is neither a time nor a duration such as 90m, 6h or 2d") from None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


COMMANDS: Final = {"backfill": Command(_arguments, _run)}
