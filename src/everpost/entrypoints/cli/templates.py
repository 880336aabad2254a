"""templates: keep templates of mails as files have them, and see what they become."""

import json
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any, Final

from everpost.entrypoints.cli.actions import action_parsers, run_action
from everpost.entrypoints.cli.client import Client, segment
from everpost.entrypoints.cli.command import OK, USAGE, Command, Stop, unread
from everpost.entrypoints.cli.screen import Screen, local_time, plain

_PATH: Final = "/v1/templates"
_STDIN: Final = "-"
_TITLES: Final = ("id", "version", "changed", "parts", "subject")
_PARTS: Final = ("subject", "text", "html")


def _arguments(parser: ArgumentParser) -> None:
    for name, action in action_parsers(parser, _ACTIONS):
        if name != "list":
            action.add_argument("target", metavar="ID")
        if name == "put":
            action.add_argument("--subject", help="its subject, one line")
            action.add_argument("--text", metavar="FILE", help="its text; - reads standard input")
            action.add_argument("--html", metavar="FILE", help="its html; - reads standard input")
            action.add_argument("--defaults", metavar="FILE", help="data, as JSON, where a mail brings none")
            action.add_argument("--strict", action="store_true", help="refuse a mail whose data lacks a value")
        if name == "render":
            action.add_argument("--data", metavar="FILE", help="as JSON; - reads standard input")


def _list(client: Client, _args: Namespace, screen: Screen) -> int:
    page = client.get(_PATH)
    if screen.as_json:
        screen.data(page)
        return OK
    rows = [
        (
            one["id"],
            one["version"],
            local_time(one["updated_at"]),
            ", ".join(name for name in ("text", "html") if one[f"has_{name}"]),
            one["subject"] or "",
        )
        for one in page["data"]
    ]
    screen.table(_TITLES, rows, right=("version",))
    return OK


def _put(client: Client, args: Namespace, screen: Screen) -> int:
    given = {
        "subject": args.subject,
        "text": _read(args.text),
        "html": _read(args.html),
        "defaults": _object(args.defaults),
        "strict": args.strict,
    }
    made = client.put(_of(args), given).body
    if screen.as_json:
        screen.data(made)
    else:
        screen.say(f"{plain(made['id'])} is kept, version {made['version']}")
    return OK


def _show(client: Client, args: Namespace, screen: Screen) -> int:
    return _told(client.get(_of(args)), screen)


def _render(client: Client, args: Namespace, screen: Screen) -> int:
    return _told(client.post(f"{_of(args)}/render", {"data": _object(args.data)}).body, screen)


def _remove(client: Client, args: Namespace, screen: Screen) -> int:
    client.delete(_of(args))
    if not screen.as_json:
        screen.say(f"{plain(args.target)} is removed")
    return OK


def _told(found: Any, screen: Screen) -> int:
    """Its parts, each below its name."""
    if screen.as_json:
        screen.data(found)
        return OK
    for name in _PARTS:
        if found[name] is not None:
            screen.say(screen.bold(name))
            screen.say("\n".join(plain(line) for line in found[name].splitlines()))
    return OK


def _of(args: Namespace) -> str:
    return f"{_PATH}/{segment(args.target)}"


def _read(name: str | None) -> str | None:
    if name is None:
        return None
    try:
        return sys.stdin.read() if name == _STDIN else Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Stop(f"{name} can't be read: {unread(error)}", code=USAGE) from None


def _object(name: str | None) -> Any:
    text = _read(name)
    try:
        return None if text is None else json.loads(text)
    except ValueError as error:
        raise Stop(f"{name} is no JSON: {error}", code=USAGE) from None


_ACTIONS: Final = {
    "list": ("list the templates", _list),
    "put": ("make a template, or change it as a whole", _put),
    "show": ("show its sources", _show),
    "remove": ("remove it", _remove),
    "render": ("show what it becomes; nothing is sent", _render),
}

COMMANDS: Final = {"templates": Command(_arguments, run_action)}
