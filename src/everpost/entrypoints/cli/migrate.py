"""migrate: brings the database to the schema of this version, while the servers of the version before go on."""

import asyncio
import os
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Final

from everpost.entrypoints.cli.check import CONFIG, faults_stop
from everpost.entrypoints.cli.command import OK, Command, Stop
from everpost.entrypoints.cli.screen import Screen
from everpost.settings import PostgresStore, store_place
from everpost.store.port import StoreUnavailable
from everpost.wiring.cloud import Cloud


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, default=CONFIG, metavar="FILE", help=f"default: {CONFIG}")


def _run(args: Namespace, screen: Screen) -> int:
    found = store_place(args.config, os.environ)
    if isinstance(found, list):
        raise faults_stop(found)
    place, _ = found
    told: list[str] = []
    if isinstance(place, PostgresStore):
        try:
            asyncio.run(_migrate(place, told))
        except StoreUnavailable as error:
            raise Stop(str(error)) from None
    _report(told, screen, is_database=isinstance(place, PostgresStore))
    return OK


async def _migrate(place: PostgresStore, told: list[str]) -> None:
    from everpost.wiring.database import migrate_database  # noqa: PLC0415  for those who have PostgreSQL

    cloud = Cloud(os.environ)
    try:
        await migrate_database(place, cloud, told.append)
    finally:
        await cloud.wire.close()


def _report(told: list[str], screen: Screen, *, is_database: bool) -> None:
    if screen.as_json:
        screen.data({"ran": told})
        return
    for name in told:
        screen.say(f"{name} has run")
    if not is_database:
        screen.say("This store needs no migration by hand: it is brought up to date when it is opened.")
    elif not told:
        screen.say("The database is up to date.")


COMMANDS: Final = {"migrate": Command(_arguments, _run)}
