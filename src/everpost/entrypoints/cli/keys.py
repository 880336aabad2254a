"""keys create, list, revoke: on the store itself, so that the first key needs no other."""

import asyncio
import os
import time
from argparse import SUPPRESS, ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from everpost.engine.keys import Keyring
from everpost.entrypoints.cli.check import CONFIG, faults_stop
from everpost.entrypoints.cli.command import FAILED, OK, USAGE, Command, Stop
from everpost.entrypoints.cli.screen import Screen, local_time
from everpost.model.key import DEFAULT_PROJECT, ApiKey, Scope
from everpost.settings import DynamoStore, PostgresStore, SqliteStore, StorePlace, store_place
from everpost.store.port import StoreUnavailable
from everpost.wiring.cloud import Cloud
from everpost.wiring.parts import STORE_FILE, store_at

DAY_S: Final = 86_400.0
DAYS_MAX: Final = 36_500
Action = Callable[[Keyring, Namespace, Screen], Awaitable[int]]


def _arguments(parser: ArgumentParser) -> None:
    actions = parser.add_subparsers(title="actions", required=True)
    create = actions.add_parser("create", help="make a key; its token is shown once")
    create.add_argument(
        "--scope", required=True, choices=[scope.value for scope in Scope], help="send includes read, admin everything"
    )
    create.add_argument("--name", default="", help="what it is for")
    create.add_argument("--days", type=_days, help="it ends by itself after so many (default: never)")
    create.add_argument("--project", default=DEFAULT_PROJECT, help=f"default: {DEFAULT_PROJECT}")
    listing = actions.add_parser("list", help="show all keys, without their secrets")
    listing.add_argument("--project", help="default: all")
    revoke = actions.add_parser("revoke", help="end a key; takes effect within seconds")
    revoke.add_argument("id", metavar="ID")
    for action, run in ((create, create_key), (listing, list_keys), (revoke, revoke_key)):
        place = action.add_mutually_exclusive_group()
        place.add_argument("--data", type=Path, metavar="DIR", help="where the server keeps its files")
        place.add_argument("--config", type=Path, default=CONFIG, metavar="FILE", help=f"default: {CONFIG}")
        action.add_argument("--json", action="store_true", default=SUPPRESS, help="print JSON, for programs")
        action.set_defaults(action=run)


def _run(args: Namespace, screen: Screen) -> int:
    place, folder = (SqliteStore(), args.data) if args.data else _configured(args.config)
    try:
        return asyncio.run(_with_store(place, folder, args, screen))
    except (StoreUnavailable, ValueError) as error:  # ValueError: AWS without a region
        raise Stop(f"the store in {_where(place, folder)} can't be used: {error}") from None


def _where(place: StorePlace, folder: Path) -> str:
    match place:
        case SqliteStore():
            return str(folder)
        case PostgresStore():
            return f"the database {place.database} at {place.host}"
        case DynamoStore():
            return place.table


async def _with_store(place: StorePlace, folder: Path, args: Namespace, screen: Screen) -> int:
    action: Action = args.action
    if isinstance(place, SqliteStore) and action is not create_key and not (folder / STORE_FILE).exists():
        raise Stop(
            f"there is no store in {folder}", "name its folder by --data DIR, or the server's file by --config FILE"
        )
    cloud = Cloud(os.environ)
    store = await store_at(place, folder, cloud)
    try:
        return await action(Keyring(store, time.time), args, screen)
    finally:
        await store.close()
        await cloud.wire.close()


def _configured(config: Path) -> tuple[StorePlace, Path]:
    found = store_place(config, os.environ)
    if isinstance(found, list):
        stop = faults_stop(found)
        raise Stop(stop.message, "say where the data is: --data DIR, or --config FILE", USAGE, details=stop.details)
    return found


async def create_key(keyring: Keyring, args: Namespace, screen: Screen) -> int:
    key, token = await keyring.create(args.project, Scope(args.scope), args.name, args.days and args.days * DAY_S)
    if screen.as_json:
        screen.data(_view(key) | {"token": token})
    else:
        screen.say(token)
        screen.say(f"\nKey {key.id} may {key.scope}. Keep the token now: it is not stored, and not shown again.")
    return OK


async def list_keys(keyring: Keyring, args: Namespace, screen: Screen) -> int:
    used = await keyring.list_uses(args.project)
    views = [_view(key) | {"used_at": _instant(used_at)} for key, used_at in used]
    if screen.as_json:
        screen.data({"data": views, "next_cursor": None})
        return OK
    titles = ("id", "project", "scope", "name", "created", "last used", "state")
    rows = [
        (
            *(view["id"], view["project"], view["scope"], view["name"]),
            *(local_time(view["created_at"]), local_time(view["used_at"]), view["state"]),
        )
        for view in views
    ]
    screen.table(titles, rows)
    return OK


async def revoke_key(keyring: Keyring, args: Namespace, screen: Screen) -> int:
    key = await keyring.revoke(args.id)
    if key is None:
        raise Stop(f"there is no key {args.id!r}", "list them with: everpost keys list", FAILED)
    if screen.as_json:
        screen.data(_view(key))
    else:
        screen.say(f"key {key.id} is revoked")
    return OK


def _view(key: ApiKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "project": key.project,
        "scope": key.scope.value,
        "name": key.name,
        "created_at": _instant(key.created_at),
        "revoked_at": _instant(key.revoked_at),
        "expires_at": _instant(key.expires_at),
        "state": _state(key),
    }


def _state(key: ApiKey) -> str:
    if key.revoked_at is not None:
        return "revoked"
    return "expired" if key.expires_at is not None and key.expires_at <= time.time() else "ok"


def _days(text: str) -> float:
    try:
        days = float(text)
    except ValueError:
        days = 0.0
    if not 0 < days < DAYS_MAX:
        raise ArgumentTypeError(f"{text!r} is not a number of days: more than 0, less than {DAYS_MAX}")
    return days


def _instant(at: float | None) -> str | None:
    return None if at is None else datetime.fromtimestamp(at, UTC).isoformat()


COMMANDS: Final = {"keys": Command(_arguments, _run)}
