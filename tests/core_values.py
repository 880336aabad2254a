"""Accounts, routes and boards for the tests of decisions."""

from everpost.core.decide import Board, Send, Skip, Standing, Wait
from everpost.core.fit import Carrier
from everpost.model.account import Account, Circuit, CircuitState
from everpost.model.capability import Limits
from everpost.model.delivery import DeliveryState
from everpost.model.limits import REASON_CHARS_MAX
from everpost.model.outcome import Outcome
from everpost.model.route import Route, RouteAccount
from store_values import NOW, delivery, message

AT = NOW + 5.0
ADDRESS = "Carol.O'Neil+tag@mail.example.org"
WORDY = f"no such mailbox {ADDRESS} or <{ADDRESS.upper()}>, " + "x" * 2 * REASON_CHARS_MAX
SKIPPED = (Skip("b", WORDY),)
CLOSED = Circuit(state=CircuitState.CLOSED)
OPEN = Circuit(state=CircuitState.OPEN, reason="down", until=NOW + 20)
HALF_OPEN = Circuit(state=CircuitState.HALF_OPEN, reason="down")


def account(name="a", **fields):
    return Account(**({"name": name, "provider": "plain"} | fields))


def carrier(name="a", **fields):
    """An account (fields of its own below `account`) and generous limits."""
    about, fault = fields.pop("account", {}), fields.pop("fault", None)
    limits = {"recipients_max": 1000, "content_bytes_max": 1_000_000} | fields
    return Carrier(account=account(name, **about), limits=Limits(**limits), fault=fault)


def coming_back(share):
    return Circuit(state=CircuitState.CLOSED, share=share)


def standing(name="a", circuit=CLOSED, limits=None, **fields):
    return Standing(carrier=carrier(name, **(limits or {})), circuit=circuit, **fields)


def board(*standings, used=None, now=NOW):
    return Board(standings={one.carrier.account.name: one for one in standings}, used=used or {}, now=now)


def route(*accounts, **fields):
    """Of names, pairs of name and weight, or whole entries."""
    entries = tuple(map(_entry, accounts))
    return Route(**({"name": "default", "accounts": entries} | fields))


def _entry(given):
    match given:
        case RouteAccount():
            return given
        case (name, weight):
            return RouteAccount(account=name, weight=weight)
        case name:
            return RouteAccount(account=name)


def send(account="a", **fields):
    return Send(**({"account": account, "why": "it is the default account", "skipped": (Skip("b", "down"),)} | fields))


def queued(**fields):
    return delivery(message(), **fields)


def sending(**fields):
    """In its first attempt, at account a."""
    begun = {"state": DeliveryState.SENDING, "attempts": 1, "account": "a", "version": 2, "started_at": NOW + 1}
    return queued(**(begun | {"deadline_at": NOW + 101, "due_at": NOW + 111} | fields))


def uncertain(**fields):
    return sending(**({"state": DeliveryState.UNCERTAIN, "due_at": NOW + 5, "version": 3} | fields))


def outcome(kind, **fields):
    return Outcome(**({"kind": kind, "text": WORDY} | fields))


def wait(**fields):
    return Wait(**({"until": AT + 9, "reason": WORDY, "skipped": SKIPPED, "round_over": False} | fields))
