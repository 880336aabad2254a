"""webhooks: have events posted to addresses of yours, and see how that goes."""

from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from typing import Any, Final

from everpost.entrypoints.cli.actions import action_parsers, run_action
from everpost.entrypoints.cli.client import Client, segment
from everpost.entrypoints.cli.command import FAILED, OK, Command
from everpost.entrypoints.cli.screen import Screen, local_time, plain

_PATH: Final = "/v1/webhooks"
_FIELDS: Final = ("description", "login", "format", "events", "accounts", "tags")
_LISTS: Final = ("events", "accounts", "tags")
_TITLES: Final = ("id", "url", "format", "events", "state", "waiting", "failures", "last taken")


def _arguments(parser: ArgumentParser) -> None:
    for name, action in action_parsers(parser, _ACTIONS):
        if name != "list":
            action.add_argument("target", metavar="URL" if name == "create" else "ID")
        if name in ("create", "change"):
            _field_arguments(action, with_url=name == "change")
        if name == "create":
            action.add_argument("--format", help="standard, or the provider in whose words and by whose signature")
        if name == "replay":
            action.add_argument("--event", help="one event: its id, or its sequence")
            action.add_argument("--since", help="all from then on, as 2030-01-31T09:00:00Z")
            action.add_argument("--until", help="all before (default: until now)")


def _field_arguments(action: ArgumentParser, *, with_url: bool) -> None:
    if with_url:
        action.add_argument("--address", metavar="URL", help="post to this address from now on")
    action.add_argument("--description", help="what it is for")
    action.add_argument("--login", metavar="USER:PASSWORD", help="log in there (HTTP Basic); '' for no login")
    for name, of in (("events", "types of events"), ("accounts", "accounts"), ("tags", "tags of mails")):
        action.add_argument(f"--{name}", help=f"only these {of}, with commas between them; '' for all")


def _list(client: Client, _args: Namespace, screen: Screen) -> int:
    page = client.get(_PATH)
    if screen.as_json:
        screen.data(page)
    else:
        screen.table(_TITLES, [_row(webhook) for webhook in page["data"]], right=("waiting", "failures"))
    return OK


def _row(webhook: Mapping[str, Any]) -> tuple[object, ...]:
    return (
        webhook["id"],
        webhook["url"],
        webhook["format"],
        ", ".join(webhook["events"]) or "all",
        _state(webhook),
        webhook["waiting"],
        webhook["failures"],
        local_time(webhook["ok_at"]),
    )


def _state(webhook: Mapping[str, Any]) -> str:
    if not webhook["enabled"]:
        return "disabled"
    return "failed" if webhook["failures"] else "ok"


def _show(client: Client, args: Namespace, screen: Screen) -> int:
    return _told(client.get(_of(args)), screen)


def _create(client: Client, args: Namespace, screen: Screen) -> int:
    return _told(client.post(_PATH, {"url": args.target, **_fields(args)}).body, screen)


def _change(client: Client, args: Namespace, screen: Screen) -> int:
    url = {"url": args.address} if args.address else {}
    return _told(client.patch(_of(args), url | _fields(args)).body, screen)


def _enable(client: Client, args: Namespace, screen: Screen) -> int:
    return _told(client.patch(_of(args), {"enabled": True}).body, screen)


def _disable(client: Client, args: Namespace, screen: Screen) -> int:
    return _told(client.patch(_of(args), {"enabled": False}).body, screen)


def _rotate(client: Client, args: Namespace, screen: Screen) -> int:
    return _told(client.post(_of(args, "rotate"), {}).body, screen)


def _delete(client: Client, args: Namespace, screen: Screen) -> int:
    client.delete(_of(args))
    if not screen.as_json:
        screen.say(f"{plain(args.target)} is deleted")
    return OK


def _test(client: Client, args: Namespace, screen: Screen) -> int:
    result = client.post(_of(args, "test"), {}).body
    if screen.as_json:
        screen.data(result)
    elif result["ok"]:
        screen.say(f"it has taken the event: {result['status']} after {result['latency_ms']:g} ms")
    else:
        screen.say(f"it has not taken the event: {plain(result['error'])}")
    return OK if result["ok"] else FAILED


def _replay(client: Client, args: Namespace, screen: Screen) -> int:
    wanted = {name: getattr(args, name) for name in ("event", "since", "until") if getattr(args, name) is not None}
    return _told(client.post(_of(args, "replay"), wanted).body, screen)


def _attempts(client: Client, args: Namespace, screen: Screen) -> int:
    page = client.get(_of(args, "attempts"))
    if screen.as_json:
        screen.data(page)
        return OK
    titles = ("at", "event", "number", "status", "ms", "error", "next")
    rows = [
        (
            local_time(attempt["at"]),
            f"{attempt['type']} {attempt['event']}",
            attempt["number"],
            attempt["status"],
            f"{attempt['latency_ms']:g}",
            attempt["error"],
            local_time(attempt["next_at"]),
        )
        for attempt in page["data"]
    ]
    screen.table(titles, rows, right=("number", "ms"))
    return OK


def _told(webhook: Mapping[str, Any], screen: Screen) -> int:
    if screen.as_json:
        screen.data(webhook)
        return OK
    facts = {
        "id": webhook["id"],
        "url": webhook["url"],
        "format": webhook["format"],
        "login": "yes" if webhook["has_login"] else "no",
        "description": webhook["description"],
        "events": ", ".join(webhook["events"]) or "all",
        "accounts": ", ".join(webhook["accounts"]) or "all",
        "tags": ", ".join(webhook["tags"]) or "all",
        "state": _state(webhook) + (f", {webhook['reason']}" if webhook["reason"] else ""),
        "delivered": webhook["delivered"],
        "given up": webhook["given_up"],
        "waiting": webhook["waiting"],
        "next attempt": local_time(webhook["next_attempt_at"]),
        "failing since": local_time(webhook["failing_since"]),
        "last taken": local_time(webhook["ok_at"]),
    }
    for name, value in facts.items():
        screen.say(f"{name:<14} {plain(value)}")
    if "verification_key" in webhook:
        screen.say(f"\n{webhook['verification_key']}\n\nThat is the public key to verify its signatures with.")
    if "secret" in webhook:
        screen.say(f"\n{webhook['secret']}\n\nThat is its secret. Keep it now: it is not shown again.")
    return OK


def _fields(args: Namespace) -> dict[str, Any]:
    given = {name: value for name in _FIELDS if (value := getattr(args, name, None)) is not None}
    return {name: _listed(value) if name in _LISTS else value for name, value in given.items()}


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _of(args: Namespace, action: str = "") -> str:
    return "/".join(filter(None, (_PATH, segment(args.target), action)))


_ACTIONS: Final = {
    "list": ("show all webhooks of the key's project", _list),
    "create": ("have events posted to an address; its secret is shown once", _create),
    "show": ("show one, and how it does", _show),
    "change": ("change what it gets, or where", _change),
    "enable": ("let it go on where it has stopped", _enable),
    "disable": ("let it wait", _disable),
    "delete": ("end it, with what it has not taken", _delete),
    "rotate": ("give it a new secret; the old one signs for a day longer", _rotate),
    "test": ("post a webhook.test event at once", _test),
    "replay": ("post events once more", _replay),
    "attempts": ("show its latest attempts", _attempts),
}

COMMANDS: Final = {"webhooks": Command(_arguments, run_action)}
