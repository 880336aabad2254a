"""drill: an outage by a script, on a server of its own, with a report to keep."""

import time
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any, Final

from everpost.entrypoints.cli.client import Client
from everpost.entrypoints.cli.command import FAILED, OK, Command, Stop, whole
from everpost.entrypoints.cli.demo import ANSWER_TIMEOUT_S, LOOKUP_LAG_S
from everpost.entrypoints.cli.demo_server import running_server
from everpost.entrypoints.cli.screen import Screen
from everpost.entrypoints.dev.drill import FINAL_WITHIN_S, PER_S_MAX, DrillRequest
from everpost.entrypoints.dev.script import length_s

PATH: Final = "/v1/sandbox/drill"
LOOK_EVERY_S: Final = 0.5
_USUAL: Final = DrillRequest()


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--report", type=Path, metavar="FILE", help="write the report there: one HTML file")
    words = f"seconds of a usual part; the whole is 9.5 times as long (default: {_USUAL.part_s:g})"
    parser.add_argument("--part", type=float, default=_USUAL.part_s, metavar="S", help=words)
    words = f"mails a second (default: {_USUAL.per_s})"
    parser.add_argument("--rate", type=whole(1, PER_S_MAX), default=_USUAL.per_s, metavar="N", help=words)


def _run(args: Namespace, screen: Screen) -> int:
    with running_server(ANSWER_TIMEOUT_S, LOOKUP_LAG_S) as (url, _):
        client = Client(url)
        client.post(PATH, {"part_s": args.part, "per_s": args.rate})
        if not screen.as_json:
            screen.say(f"{args.rate} mails a second through {url}; this takes about {length_s(args.part):.0f} s\n")
        drill = _watched(client, args.part)
        if args.report is not None:
            _keep(args.report, client.text(f"{PATH}/report"))
    _tell(drill, screen)
    if args.report is not None and not screen.as_json:
        screen.say(f"The report is in {args.report}")
    return OK if drill["is_good"] else FAILED


def _watched(client: Client, part_s: float) -> Any:
    """The drill when it is over."""
    give_up_at = time.monotonic() + length_s(part_s) + FINAL_WITHIN_S
    while time.monotonic() < give_up_at:
        drill = client.get(PATH)
        if drill["figures"]["state"] in ("done", "stopped"):
            return drill
        time.sleep(LOOK_EVERY_S)
    raise Stop("the drill did not come to its end")


def _keep(file: Path, report: str) -> None:
    try:
        file.write_text(report)
    except OSError as error:
        raise Stop(f"the report can't be written to {file}: {error.strerror}") from None


def _tell(drill: Any, screen: Screen) -> None:
    if screen.as_json:
        screen.data({name: drill[name] for name in ("is_good", "verdict", "figures")})
        return
    figures = drill["figures"]
    titles = (f"{figures['first']} …", "mails", "taken by", "lost", "twice", "failover s", "wait p50/p99 ms")
    rows = [
        (
            part["title"],
            part["acknowledged"],
            " ".join(f"{name} {number}" for name, number in part["sent_by"].items()),
            part["lost"],
            part["duplicated"],
            "" if part["failover_s"] is None else f"{part['failover_s']:.2f}",
            f"{part['handed_over_p50_ms']:.0f} / {part['handed_over_p99_ms']:.0f}",
        )
        for part in figures["parts"]
    ]
    screen.table(titles, rows, right=titles[3:])
    screen.say(f"\n{drill['verdict']}")


COMMANDS: Final = {"drill": Command(_arguments, _run)}
