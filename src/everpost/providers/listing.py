"""A provider's own lists of whom it writes to no more: how they are read, and added to. Pure, as all of a provider."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from msgspec import Struct

from everpost.model.account import Account
from everpost.model.limits import ADDRESS_CHARS_MAX
from everpost.model.suppression import Source, SuppressionDraft
from everpost.providers.contract import HttpRequest


class Page(Struct, frozen=True):
    """A part of a list. `further` is the place of the next one; "": there is none."""

    rows: tuple[SuppressionDraft, ...]
    further: str = ""


def nothing_refused(_: Any) -> int:
    """Of a provider that takes all of a request or none."""
    return 0


class Lists(Struct, frozen=True, kw_only=True):
    names: tuple[str, ...]  # of its lists, each read by itself
    ask: Callable[[Account, str, str], HttpRequest]
    """(account, name of the list, place of the page; "": the first one)"""
    read: Callable[[str, str, Any], Page | None]
    """(name, place, decoded body): None if the answer makes no sense. The reason of a row is the provider's own."""
    takes: frozenset[Source] = frozenset()  # what can be added to them; of all else nothing is told to it
    add: Callable[[Account, Sequence[SuppressionDraft]], Iterable[HttpRequest]] | None = None
    """Requests that may be repeated: what is listed stays so."""
    domains: Callable[[Account], HttpRequest] | None = None
    """Asks for the domains, where each of them has a list of its own: before anything is added."""
    add_to: Callable[[Account, Any, Sequence[SuppressionDraft]], Sequence[HttpRequest] | None] | None = None
    """(account, decoded answer to `domains`, rows): instead of `add`. None: the answer names none."""
    at_once_max: int = 500  # rows that are added at once
    refused: Callable[[Any], int] = nothing_refused  # how many of its rows a good answer to `add` says it left out


def rows_of(found: Iterable[tuple[Any, Source, Any]]) -> tuple[SuppressionDraft, ...]:
    """From addresses, sources and words. What is no address is passed over: it can't be written to anyway."""
    return tuple(
        SuppressionDraft(address=address.lower(), source=source, reason=words if isinstance(words, str) else "")
        for address, source, words in found
        if isinstance(address, str) and "@" in address and len(address) <= ADDRESS_CHARS_MAX
    )
