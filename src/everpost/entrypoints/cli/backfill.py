"""backfill: asks a provider for the events that its webhooks missed, and takes them in, beside servers at work."""

import asyncio
import os
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Final

from msgspec.structs import asdict

from everpost.engine.backfill import Filled
from everpost.entrypoints.cli.check import CONFIG, faults_stop
from everpost.entrypoints.cli.command import FAILED, INSTANT, OK, USAGE, Command, Stop, instant
from everpost.entrypoints.cli.screen import Screen
from everpost.settings import Settings, load
from everpost.store.port import StoreUnavailable
from everpost.wiring import PROVIDERS, PartUnavailable, Role, assembled


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--account", required=True, metavar="NAME", help="an account of the configuration")
    parser.add_argument("--since", required=True, type=instant, metavar="TIME", help=INSTANT)
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


COMMANDS: Final = {"backfill": Command(_arguments, _run)}
