"""accounts, use, erase, events: see and steer a running server."""

import time
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from everpost.entrypoints.cli.client import NO_STREAMS, Client, connection_arguments
from everpost.entrypoints.cli.command import INSTANT, OK, Command, Stop, instant
from everpost.entrypoints.cli.screen import Screen, clock_time, local_time, plain
from everpost.model.limits import EVENTS_PAGE_MAX

FOLLOW_EVERY_S: Final = 1.0


def _accounts(args: Namespace, screen: Screen) -> int:
    page = Client.of(args).get("/v1/accounts")
    if screen.as_json:
        screen.data(page)
    else:
        titles = ("account", "provider", "routes", "circuit", "quota left", "failures", "last error")
        screen.table(titles, [_account(account) for account in page["data"]], right=("failures",))
    return OK


def _account(account: Mapping[str, Any]) -> tuple[object, ...]:
    circuit, left = account["circuit"], account["quota"]["left"]
    error = account["last_error"]
    return (
        account["name"] + (" (default)" if account["is_default"] else ""),
        account["provider"],
        ", ".join(each["route"] + (" (paused)" if each["paused"] else "") for each in account["routes"]),
        circuit["state"],
        ", ".join(f"{amount} this {unit}" for unit, amount in left.items()) or "not limited",
        account["failures"],
        f"{local_time(account['last_error_at'])}  {error}" if error else None,
    )


def _use_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="an account, as `everpost accounts` lists them")
    connection_arguments(parser)


def _use(args: Namespace, screen: Screen) -> int:
    answer = Client.of(args).post("/setEmailProvider", {"provider": args.name})
    if screen.as_json:
        screen.data(answer.body)
    else:
        screen.say(f"{plain(args.name)} is the default account now")
    return OK


def _events_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--after", metavar="SEQUENCE", help="go on after this event (default: the first one)")
    parser.add_argument("--follow", action="store_true", help="wait for more, until interrupted")
    parser.add_argument("--message", metavar="ID", help="only those of this mail")
    parser.add_argument("--type", metavar="TYPE", help="only those of this type, as in email.sent")
    parser.add_argument("--account", metavar="NAME", help="only those about this account")
    parser.add_argument("--since", type=instant, metavar="TIME", help=f"only those from then on: {INSTANT}")
    connection_arguments(parser)


def _narrowing(args: Namespace) -> dict[str, str]:
    since = None if args.since is None else datetime.fromtimestamp(args.since, UTC).isoformat()
    asked = {"message": args.message, "type": args.type, "account": args.account, "since": since}
    return {name: value for name, value in asked.items() if value is not None}


def _events(args: Namespace, screen: Screen) -> int:
    """With --json: JSON lines, one CloudEvent each."""
    client, cursor, narrowing = Client.of(args), args.after, _narrowing(args)
    while True:
        page = client.get("/v1/events", after=cursor, limit=EVENTS_PAGE_MAX, **narrowing)
        asked, cursor = cursor, page["next_cursor"]
        for event in page["data"]:
            _tell(event, screen)
        if not page["data"] and (not narrowing or asked == cursor):  # a page that is narrowed may be empty in between
            if not args.follow:
                return OK
            cursor = _follow(client, cursor, narrowing, screen)
            time.sleep(FOLLOW_EVERY_S)


def _follow(client: Client, cursor: str, narrowing: Mapping[str, str], screen: Screen) -> str:
    """For as long as the stream lasts; returns the last event's sequence. Functions have none: there pages must do."""
    try:
        for event in client.stream("/v1/events", after=cursor, **narrowing):
            _tell(event, screen)
            cursor = event["sequence"]
    except Stop as stop:
        if stop.error != NO_STREAMS:
            raise
    return cursor


def _tell(event: Mapping[str, Any], screen: Screen) -> None:
    if screen.as_json:
        screen.line_of_data(event)
    else:
        screen.say(_event(event))


def _event(event: Mapping[str, Any]) -> str:
    data = event["data"]
    known = {"project", "message_id", "delivery_id"}
    facts = "  ".join(
        f"{name}={value}" for name, value in data.items() if name not in known and value not in (None, "")
    )
    kind = ".".join(event["type"].split(".")[-2:])
    return plain(
        f"{clock_time(event['time'])}  {kind:<22} {data.get('delivery_id') or event.get('subject', '-')}  {facts}"
    )


def _erase_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("address", metavar="ADDRESS", help="the recipient, as in bob@example.org")
    parser.add_argument("--yes", action="store_true", help="do it (default: only say what would be done)")
    connection_arguments(parser)


def _erase(args: Namespace, screen: Screen) -> int:
    told = {"address": args.address, "dry_run": not args.yes}
    answer = Client.of(args).post("/v1/recipients/erase", told).body
    if screen.as_json:
        screen.data(answer)
        return OK
    done, cancelled = ("erased from", "cancelled") if args.yes else ("would be erased from", "would be cancelled")
    screen.say(f"{plain(args.address)} {done} {answer['messages']} mails; {answer['cancelled']} of them {cancelled}")
    if answer["suppressed"]:
        screen.say("it stays suppressed, known by a digest alone" if args.yes else "it is suppressed, and stays so")
    if not args.yes:
        screen.say("to do it, for good: the same with --yes")
    return OK


COMMANDS: Final = {
    "accounts": Command(connection_arguments, _accounts),
    "use": Command(_use_arguments, _use),
    "erase": Command(_erase_arguments, _erase),
    "events": Command(_events_arguments, _events),
}
