"""send, show: hand in a mail, and follow it."""

import base64
import mimetypes
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from everpost.entrypoints.cli.client import Client, connection_arguments, segment
from everpost.entrypoints.cli.command import FAILED, OK, USAGE, Command, Stop, whole
from everpost.entrypoints.cli.screen import Screen, clock_time, local_time, plain
from everpost.model.limits import WAIT_S_MAX

WAIT_S_DEFAULT: Final = 30
STDIN: Final = "-"
_BAD_ENDS: Final = frozenset({"failed", "cancelled", "held"})


def _send_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--from", dest="sender", required=True, metavar="ADDRESS", help='"Ann <ann@example.com>"')
    for name in ("to", "cc", "bcc"):
        parser.add_argument(f"--{name}", action="append", required=name == "to", metavar="ADDRESS", help="repeatable")
    parser.add_argument("--subject", default="")
    parser.add_argument("--text", help="- reads it from standard input")
    parser.add_argument("--html", help="- reads it from standard input")
    parser.add_argument("--attach", action="append", type=Path, default=[], metavar="FILE", help="repeatable")
    parser.add_argument("--tag", action="append", dest="tags", help="repeatable")
    parser.add_argument("--route", help="which accounts may carry it (default: default)")
    parser.add_argument("--idempotency-key", metavar="KEY", help="the same key and mail: sent once, however often run")
    parser.add_argument(
        "--wait",
        type=whole(0, WAIT_S_MAX),
        nargs="?",
        const=WAIT_S_DEFAULT,
        metavar="SECONDS",
        help=f"wait for the hand-over (default {WAIT_S_DEFAULT}, at most {WAIT_S_MAX}); failed or held: exit 1",
    )
    connection_arguments(parser)


def _send(args: Namespace, screen: Screen) -> int:
    headers = {}
    if args.idempotency_key:
        headers["Idempotency-Key"] = args.idempotency_key
    if args.wait is not None:
        headers["Prefer"] = f"wait={args.wait}"
    mail = Client.of(args).post("/v1/emails", _request(args), headers).body
    state = mail["state"]
    if screen.as_json:
        screen.data(mail)
    else:
        carrier = next((attempt["account"] for attempt in mail["attempts"] if attempt["outcome"] == "accepted"), None)
        screen.say(f"{mail['id']}  {screen.paint(state)}" + (f" by {carrier}" if carrier else ""))
    return FAILED if state in _BAD_ENDS else OK


def _request(args: Namespace) -> dict[str, Any]:
    if args.text == STDIN and args.html == STDIN:
        raise Stop("standard input can be the text or the html, not both", code=USAGE)
    request = {
        "from": args.sender,
        "to": args.to,
        "cc": args.cc,
        "bcc": args.bcc,
        "subject": args.subject,
        "text": sys.stdin.read() if args.text == STDIN else args.text,
        "html": sys.stdin.read() if args.html == STDIN else args.html,
        "attachments": [_attachment(path) for path in args.attach],
        "tags": args.tags,
        "route": args.route,
    }
    return {name: value for name, value in request.items() if value not in (None, [])}


def _attachment(path: Path) -> dict[str, str]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise Stop(f"{path} can't be attached: {error.strerror}", code=USAGE) from None
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return {"filename": path.name, "content_type": kind, "content": base64.b64encode(content).decode()}


def _show_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", help="em_…")
    connection_arguments(parser)


def _show(args: Namespace, screen: Screen) -> int:
    mail = Client.of(args).get(f"/v1/emails/{segment(args.id)}")
    if screen.as_json:
        screen.data(mail)
    else:
        for line in _story(mail, screen):
            screen.say(line)
    return OK


def _story(mail: Mapping[str, Any], screen: Screen) -> Iterator[str]:
    yield f"{screen.bold(plain(mail['id']))}  {screen.paint(mail['state'])}"
    sender = mail.get("from")
    if sender:
        yield f"  from     {_address(sender)}"
    for recipient in mail["recipients"]:
        yield f"  {recipient['kind']:<8} {_address(recipient)}  {screen.paint(recipient['state'])}"
        if recipient.get("told_at"):
            why = f": {plain(recipient['reason'])}" if recipient.get("reason") else ""
            yield f"           told at {local_time(recipient['told_at'])}{why}"
    if mail.get("subject"):
        yield f"  subject  {plain(mail['subject'])}"
    yield ""
    yield f"  {clock_time(mail['created_at'])}  accepted on {local_time(mail['created_at']).partition(' ')[0]}"
    for attempt in mail["attempts"]:
        yield from _attempt(attempt, screen)
    for delivery in mail.get("deliveries", ()):
        if delivery.get("reason") and mail["state"] != "sent":
            due = f", looked at next at {local_time(delivery['due_at'])}" if delivery.get("due_at") else ""
            yield f"  now: {screen.paint(delivery['state'])}: {plain(delivery['reason'])}{due}"


def _attempt(attempt: Mapping[str, Any], screen: Screen) -> Iterator[str]:
    outcome, indent = attempt["outcome"], " " * 16
    number = f"attempt {attempt['number']}" if attempt["number"] is not None else "no attempt"
    took = f" after {attempt['latency_ms']:.0f} ms" if attempt.get("latency_ms") is not None else ""
    status = f" ({attempt['status']})" if attempt.get("status") is not None else ""
    head = f"{number}  {plain(attempt['account'])}: {screen.paint(outcome)}{status}{took}"
    yield f"  {clock_time(attempt['started_at'])}  {head}"
    yield f"{indent}because {plain(attempt['why'])}"
    if attempt.get("text"):
        yield f"{indent}it said: {plain(attempt['text'])}"
    if attempt.get("provider_message_id"):
        yield f"{indent}known there as {plain(attempt['provider_message_id'])}"
    if attempt.get("resolution"):
        yield f"{indent}asked later: {plain(attempt['resolution'])}"


def _address(address: Mapping[str, Any]) -> str:
    name, email = address.get("name"), plain(address["email"])
    return f"{plain(name)} <{email}>" if name else email


COMMANDS: Final = {"send": Command(_send_arguments, _send), "show": Command(_show_arguments, _show)}
