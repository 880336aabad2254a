"""probe, pause, resume, explain: try and turn the accounts of a running server, and ask where a mail would go."""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Mapping
from typing import Any, Final

from everpost.entrypoints.cli.client import Client, connection_arguments, segment
from everpost.entrypoints.cli.command import FAILED, OK, Command
from everpost.entrypoints.cli.screen import Screen, plain
from everpost.model.capability import Loss

WORKS: Final = "works"


def _account_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="an account, as `everpost accounts` lists them")
    parser.add_argument("--reason", help="why; it stands on the audit trail, beside your key's name")
    connection_arguments(parser)


def _turned(args: Namespace, verb: str) -> Any:
    body = {"reason": args.reason} if args.reason is not None else {}
    return Client.of(args).post(f"/v1/accounts/{segment(args.name)}/{verb}", body).body


def _probe(args: Namespace, screen: Screen) -> int:
    """Fails unless the credentials work."""
    probed = _turned(args, "probe")
    if screen.as_json:
        screen.data(probed)
    else:
        screen.say(plain(probed["text"]))
    return OK if probed["verdict"] == WORKS else FAILED


def _turn(verb: str, words: str) -> Callable[[Namespace, Screen], int]:
    def run(args: Namespace, screen: Screen) -> int:
        page = _turned(args, verb)
        if screen.as_json:
            screen.data(page)
        else:
            routes = ", ".join(route["name"] for route in page["data"]) or "no route: none names it"
            screen.say(f"{plain(args.name)} {words} on {plain(routes)}")
        return OK

    return run


def _explain_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--from", dest="sender", required=True, metavar="ADDRESS", help="whom the mail would be from")
    parser.add_argument("--to", required=True, action="append", metavar="ADDRESS", help="whom to; may be repeated")
    parser.add_argument("--size", type=int, default=0, metavar="BYTES", help="of text, html and attachments")
    parser.add_argument("--tag", action="append", default=[], help="may be repeated")
    parser.add_argument(
        "--allow-loss", action="append", choices=tuple(Loss), help="may be repeated; default: the route's"
    )
    parser.add_argument("--route", default="default", help="default: default")
    connection_arguments(parser)


def _explain(args: Namespace, screen: Screen) -> int:
    """Nothing is sent."""
    sketch = {
        "from": args.sender,
        "to": args.to,
        "size_bytes": args.size,
        "tags": args.tag,
        "allow_loss": args.allow_loss,
    }
    found = Client.of(args).post(f"/v1/routes/{segment(args.route)}/explain", sketch).body
    if screen.as_json:
        screen.data(found)
        return OK
    screen.say(_PROSPECTS[found["prospect"]].format(plain(found["account"])))
    screen.table(
        ("account", "share", "lost", "reason"), [_candidate(one) for one in found["accounts"]], right=("share",)
    )
    if found["suppressed"]:
        screen.say(f"it would not be sent to {plain(', '.join(found['suppressed']))}: suppressed")
    return OK


_PROSPECTS: Final = {
    "sent": "{} would take it",
    "waits": "it would wait: no account can take it now",
    "refused": "it would not be accepted: no account can carry it",
}


def _candidate(one: Mapping[str, Any]) -> tuple[object, ...]:
    return one["account"], f"{one['share']:.0%}", ", ".join(one["lost"]) or "nothing", one["reason"]


COMMANDS: Final = {
    "probe": Command(_account_arguments, _probe),
    "pause": Command(_account_arguments, _turn("pause", "is paused")),
    "resume": Command(_account_arguments, _turn("resume", "is back")),
    "explain": Command(_explain_arguments, _explain),
}
