"""suppressions: who must not be written to. Of a running server; pull and push work on the store itself, as keys do."""

import asyncio
import os
import sys
from argparse import SUPPRESS, ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from everpost.engine.clock import SystemClock
from everpost.engine.exchange import Exchange, Tally, Untold
from everpost.engine.unsubscribing import Unsubscribing
from everpost.entrypoints.cli.check import CONFIG, faults_stop
from everpost.entrypoints.cli.client import Client, connection_arguments
from everpost.entrypoints.cli.command import OK, USAGE, Command, Stop, unread
from everpost.entrypoints.cli.screen import Screen, local_time, plain
from everpost.model.account import Account
from everpost.model.key import DEFAULT_PROJECT, Caller, Scope
from everpost.model.limits import PAGE_MAX
from everpost.model.suppression import Source
from everpost.providers.listing import Lists
from everpost.settings import Settings, load
from everpost.store.port import StoreUnavailable
from everpost.wiring import PROVIDERS, PartUnavailable, accounts_of
from everpost.wiring.cloud import Cloud
from everpost.wiring.lists import LISTS
from everpost.wiring.parts import store_at

PATH: Final = "/v1/suppressions"
_PERSON: Final = "suppressions"  # who it was, on the audit trail
Run = Callable[[Namespace, Screen], int]


def _arguments(parser: ArgumentParser) -> None:
    actions = parser.add_subparsers(title="actions", required=True)

    def action(name: str, run: Run, words: str) -> ArgumentParser:
        made: ArgumentParser = actions.add_parser(name, help=words)
        made.add_argument("--json", action="store_true", default=SUPPRESS, help="print JSON, for programs")
        made.set_defaults(action=run)
        return made

    listing = action("list", _list, "show them")
    listing.add_argument(
        "address", nargs="?", default="", metavar="ADDRESS", help="how the address begins (default: all)"
    )
    add = action("add", _add, "stop mail to an address")
    add.add_argument("address", metavar="ADDRESS")
    add.add_argument("--reason", help="as it is to be told to those who ask why")
    add.add_argument("--source", choices=[source.value for source in Source], help="how it is known (default: person)")
    add.add_argument("--expires-at", metavar="TIME", help="until then, as in 2030-01-31T09:00:00Z (default: for good)")
    remove = action("remove", _remove, "write to an address again")
    remove.add_argument("address", metavar="ADDRESS")
    for one in (add, remove):
        one.add_argument("--stream", help="only mail of this stream (default: all mail)")
    taken = action("import", _import, "stop mail to the addresses of a list (CSV)")
    taken.add_argument(
        "file", type=Path, metavar="FILE", help="lines of address and reason, or what an export has written"
    )
    taken.add_argument("--yes", action="store_true", help="do it (default: only say what would be done)")
    export = action("export", _export, "write all of them as CSV")
    for one in (listing, add, remove, taken, export):
        connection_arguments(one)
    pull = action("pull", _pull, "add what a provider's own lists hold")
    pull.add_argument("--stream", default="", help="what its unsubscriptions are from (default: all mail)")
    push = action("push", _push, "bring hard bounces, complaints and unsubscriptions to a provider's own lists")
    rotate = action("rotate", _rotate, "make another secret for links to unsubscribe; the two before stay good")
    rotate.add_argument("--config", type=Path, default=CONFIG, metavar="FILE", help=f"default: {CONFIG}")
    for one in (pull, push):
        one.add_argument("--account", required=True, metavar="NAME", help="an account of the configuration")
        one.add_argument("--project", default=DEFAULT_PROJECT, help=f"default: {DEFAULT_PROJECT}")
        one.add_argument("--config", type=Path, default=CONFIG, metavar="FILE", help=f"default: {CONFIG}")
        one.add_argument("--yes", action="store_true", help="do it (default: only say what would be done)")


def _run(args: Namespace, screen: Screen) -> int:
    run: Run = args.action
    return run(args, screen)


def _pages(client: Client, address: str = "") -> Iterator[dict[str, Any]]:
    cursor = None
    while True:
        asked = {"address": address, "limit": PAGE_MAX} | ({"cursor": cursor} if cursor else {})
        page = client.post(f"{PATH}/search", asked).body
        yield from page["data"]
        cursor = page["next_cursor"]
        if cursor is None:
            return


def _list(args: Namespace, screen: Screen) -> int:
    rows = list(_pages(Client.of(args), args.address))
    if screen.as_json:
        screen.data({"data": rows, "next_cursor": None})
        return OK
    titles = ("address", "stream", "source", "since", "until", "reason")
    screen.table(titles, [_row(row) for row in rows])
    return OK


def _row(row: dict[str, Any]) -> tuple[object, ...]:
    until = local_time(row["expires_at"]) if row["expires_at"] else None
    return row["address"], row["stream"], row["source"], local_time(row["created_at"]), until, row["reason"]


def _add(args: Namespace, screen: Screen) -> int:
    given = {"reason": args.reason, "source": args.source, "stream": args.stream, "expires_at": args.expires_at}
    told = {name: value for name, value in given.items() if value is not None}
    row = Client.of(args).post(PATH, {"address": args.address, **told}).body
    if screen.as_json:
        screen.data(row)
    else:
        screen.say(f"{plain(row['address'])} gets no more {_mail(row['stream'])}")
    return OK


def _remove(args: Namespace, screen: Screen) -> int:
    told = {"stream": args.stream} if args.stream is not None else {}
    Client.of(args).post(f"{PATH}/remove", {"address": args.address, **told})
    if screen.as_json:
        screen.data({"address": args.address, "stream": args.stream})
    else:
        screen.say(f"{plain(args.address)} may get {_mail(args.stream)} again")
    return OK


def _mail(stream: str | None) -> str:
    return f"mail of {plain(stream)}" if stream else "mail"


def _import(args: Namespace, screen: Screen) -> int:
    try:
        text = args.file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise Stop(f"{args.file} can't be read: {unread(error)}", "", USAGE) from None
    answer = Client.of(args).post(f"{PATH}/import", {"csv": text, "dry_run": not args.yes}).body
    if screen.as_json:
        screen.data(answer)
        return OK
    for fault in answer["errors"]:
        screen.say(f"line {fault['line']}: {plain(fault['message'])}")
    done = "suppressed" if args.yes else "would be suppressed; to do it: the same with --yes"
    screen.say(f"{answer['suppressed']} {done}; lines left out: {answer['faulty']}")
    return OK


def _export(args: Namespace, screen: Screen) -> int:
    """With --json: JSON lines."""
    if screen.as_json:
        for row in _pages(Client.of(args)):
            screen.line_of_data(row)
        return OK
    from everpost.dialects.tables import suppressions_csv  # noqa: PLC0415  its dialect is slow to load

    sys.stdout.buffer.write(suppressions_csv((), titled=True))
    for row in _pages(Client.of(args)):
        sys.stdout.buffer.write(suppressions_csv([row], titled=False))
    return OK


def _pull(args: Namespace, screen: Screen) -> int:
    async def pull(exchange: Exchange, caller: Caller, account: Account, lists: Lists) -> Tally:
        return await exchange.pull(caller, account, lists, stream=args.stream, dry_run=not args.yes)

    return _exchanged(args, screen, pull, "added")


def _push(args: Namespace, screen: Screen) -> int:
    async def push(exchange: Exchange, caller: Caller, account: Account, lists: Lists) -> Tally:
        if not lists.takes:
            raise Stop(f"{PROVIDERS[account.provider].title} takes no entries of its list from Everpost")
        return await exchange.push(caller, account, lists, dry_run=not args.yes)

    return _exchanged(args, screen, push, f"brought to {args.account}")


def _rotate(args: Namespace, screen: Screen) -> int:
    async def rotate(settings: Settings) -> None:
        cloud = Cloud(os.environ)
        store = await store_at(settings.store, settings.data, cloud)
        try:
            await Unsubscribing(store, SystemClock(), lambda: None).rotate()
        finally:
            await store.close()
            await cloud.wire.close()

    try:
        asyncio.run(rotate(_settings(args)))
    except (StoreUnavailable, ValueError) as error:
        raise Stop(str(error)) from None
    if screen.as_json:
        screen.data({"rotated": True})
    else:
        screen.say("another secret signs links to unsubscribe within a minute; those of the two before stay good")
    return OK


def _settings(args: Namespace) -> Settings:
    settings = load(args.config, os.environ, PROVIDERS)
    if isinstance(settings, list):
        raise faults_stop(settings)
    return settings


def _exchanged(args: Namespace, screen: Screen, work: Any, done: str) -> int:
    settings = _settings(args)
    try:
        tally = asyncio.run(_exchange(settings, args, work))
    except (StoreUnavailable, PartUnavailable, Untold, ValueError) as error:
        raise Stop(str(error), "what was done until then stays; do it again to go on") from None
    if screen.as_json:
        screen.data({"dry_run": not args.yes, "seen": tally.seen, "done": tally.done, "refused": tally.refused})
        return OK
    words = done if args.yes else f"would be {done}; to do it: the same with --yes"
    screen.say(f"{tally.seen} looked at, {tally.done} {words}")
    if tally.refused:
        screen.say(f"{tally.refused} were left out by the provider")
    return OK


async def _exchange(settings: Settings, args: Namespace, work: Any) -> Tally:
    cloud = Cloud(os.environ)
    try:
        accounts = {account.name: account for account in await accounts_of(settings, cloud)}
        account = accounts.get(args.account)
        if account is None:
            raise Stop(f"there is no account {args.account!r}", f"there are: {', '.join(accounts)}", USAGE)
        lists = LISTS.get(account.provider)
        if lists is None:
            raise Stop(f"{PROVIDERS[account.provider].title} has no list that could be asked for")
        store = await store_at(settings.store, settings.data, cloud)
        try:
            caller = Caller(project=args.project, who=_PERSON, scope=Scope.ADMIN)
            tally: Tally = await work(Exchange(store, cloud.to_providers, SystemClock()), caller, account, lists)
            return tally
        finally:
            await store.close()
    finally:
        await cloud.wire.close()


COMMANDS: Final = {"suppressions": Command(_arguments, _run)}
