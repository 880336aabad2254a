"""demo: a server of its own, a provider that fails in every way, and a count of what arrived.

The count is the sandbox providers' own: what they caught, by our delivery id. Nothing that the server says of itself
is taken for proof.
"""

import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from msgspec import Struct, structs, to_builtins

from everpost.entrypoints.cli.client import Client
from everpost.entrypoints.cli.command import FAILED, OK, Command, Stop, whole
from everpost.entrypoints.cli.demo_server import running_server
from everpost.entrypoints.cli.screen import Screen
from everpost.entrypoints.dev import script
from everpost.entrypoints.dev.tally import Arrival, Sent, Tally, tally
from everpost.model.limits import PAGE_MAX

SENDERS: Final = 32
MAILS: Final = PAGE_MAX  # a phase: one page of the list
CAUGHT_MAX: Final = 10_000  # what the sandbox keeps
FINAL_WITHIN_S: Final = 60.0  # a phase that takes longer has failed
LOOK_EVERY_S: Final = 0.2
RECOVERED_WITHIN_S: Final = 60.0
RECOVERY_EVERY_S: Final = 0.5  # fewer than PAGE_MAX mails in all
RECOVERY_TAG: Final = "demo-recovery"
ANSWER_TIMEOUT_S: Final = 1.0
LOOKUP_LAG_S: Final = 0.5
_FINAL: Final = frozenset({"sent", "failed", "cancelled", "held"})

PHASES: Final = (script.WORKS, script.REFUSES, script.ANSWERS_500, script.HANGS, script.WORKS_AGAIN)


class Result(Tally, frozen=True, kw_only=True):
    """A row of the table."""

    first_provider: str


class Phase(Struct, frozen=True):
    title: str
    sent: list[Sent]


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--mails", type=whole(1, MAILS), default=MAILS, metavar="N", help=f"in each phase (default: {MAILS})"
    )


def _run(args: Namespace, screen: Screen) -> int:
    with running_server(ANSWER_TIMEOUT_S, LOOKUP_LAG_S) as (url, control_url):
        client, control = Client(url), Client(control_url)
        first = _default_account(client)["provider"]
        if not screen.as_json:
            screen.say(f"{args.mails} mails a phase through {url}, while {first} fails; this takes about a minute\n")
        phases = _phases(client, control, first, args.mails)
        caught = control.get("/_sandbox/inbox", limit=CAUGHT_MAX)["data"]
    results = [count(phase, caught) for phase in phases]
    _report(results, screen)
    return OK if all(result.is_good for result in results) else FAILED


def _phases(client: Client, control: Client, first: str, mails: int) -> list[Phase]:
    """One after the other; before each, the first provider is in order again and carries all mail."""
    faults = f"/_sandbox/{first}/faults"
    phases: list[Phase] = []
    recovering: list[Sent] = []
    for number, part in enumerate(PHASES, 1):
        control.delete(faults)
        recovering += _recover(client)
        if part.fault is not None:
            control.put(faults, to_builtins(part.fault))
        tag = f"demo-{number}"
        with ThreadPoolExecutor(SENDERS) as senders:
            sent = list(senders.map(_send, [client] * mails, [tag] * mails))
        _settle(client, tag, sent)
        phases.append(Phase(part.title, sent))
    _settle(client, RECOVERY_TAG, recovering)
    return [*phases, Phase("recovers in between", recovering)]


def _recover(client: Client) -> list[Sent]:
    """Sends a mail now and then until the first provider carries all of them again: without mail, no circuit closes."""
    sent: list[Sent] = []
    give_up_at = time.monotonic() + RECOVERED_WITHIN_S
    while time.monotonic() < give_up_at:
        circuit = _default_account(client)["circuit"]
        if circuit["state"] == "closed" and circuit["share"] >= 1:
            return sent
        sent.append(_send(client, RECOVERY_TAG))
        time.sleep(RECOVERY_EVERY_S)
    raise Stop(f"the first provider's circuit did not close in {RECOVERED_WITHIN_S:.0f} s")


def _default_account(client: Client) -> Mapping[str, Any]:
    account: Mapping[str, Any] = next(one for one in client.get("/v1/accounts")["data"] if one["is_default"])
    return account


def _send(client: Client, tag: str) -> Sent:
    mail = {
        "from": "Ann <ann@example.com>",
        "to": ["bob@example.org"],
        "subject": "Hello from the demo",
        "text": "It works",
        "tags": [tag],
    }
    at, began = time.time(), time.perf_counter()
    try:
        acknowledged = client.post("/v1/emails", mail).body["id"]
    except Stop:
        acknowledged = None
    return Sent(acknowledged, at, (time.perf_counter() - began) * 1000)


def _settle(client: Client, tag: str, sent: Sequence[Sent]) -> None:
    """Returns when all acknowledged mails of a phase are final, or when its time is over."""
    acknowledged = sum(one.id is not None for one in sent)
    give_up_at = time.monotonic() + FINAL_WITHIN_S
    while time.monotonic() < give_up_at:
        mails = client.get("/v1/emails", tag=tag, limit=PAGE_MAX)["data"]
        if sum(mail["state"] in _FINAL for mail in mails) >= acknowledged:
            return
        time.sleep(LOOK_EVERY_S)


def count(phase: Phase, caught: Iterable[Mapping[str, Any]]) -> Result:
    """What became of the mails of a phase, by what the sandbox providers caught."""
    arrivals = (
        Arrival(str(mail["delivery_id"]).partition(".")[0], mail["provider"], mail["received_at"]) for mail in caught
    )
    return Result(first_provider=phase.title, **structs.asdict(tally(phase.sent, arrivals)))


def _report(results: Sequence[Result], screen: Screen) -> None:
    is_good = all(result.is_good for result in results)
    if screen.as_json:
        phases = [{name: getattr(result, name) for name in result.__struct_fields__} for result in results]
        screen.data({"ok": is_good, "phases": phases})
        return
    titles = ("first provider", "acknowledged", "sent by", "lost", "duplicated", "ack p50/p99 ms", "sent p50/p99 ms")
    rows = [
        (
            result.first_provider,
            f"{result.acknowledged}/{result.mails}",
            " ".join(f"{name} {number}" for name, number in result.sent_by.items()),
            result.lost,
            result.duplicated,
            f"{result.acknowledged_p50_ms:.0f} / {result.acknowledged_p99_ms:.0f}",
            f"{result.handed_over_p50_ms:.0f} / {result.handed_over_p99_ms:.0f}",
        )
        for result in results
    ]
    screen.table(titles, rows, right=titles[3:])
    screen.say("\nNothing was lost and nothing was sent twice." if is_good else "\nThis must not happen: see above.")


COMMANDS: Final = {"demo": Command(_arguments, _run)}
