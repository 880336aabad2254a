"""Whom a sandbox provider writes to no more: one list a provider, whoever asks."""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec
from msgspec import Struct

from everpost.dialects.answers import Rendered
from everpost.dialects.contract import Submission
from everpost.sandbox.api import Conduct
from everpost.sandbox.events import HARD
from everpost.sandbox.inbox import Caught, Happened, Inbox

LISTED: Final = {"bounced": HARD, "complained": "", "unsubscribed": ""}
"""What puts a recipient on the list, and the words that stand there."""
HARMED: Final = ("bounced", "complained")
"""What stops mail at providers that let people unsubscribe from a list of theirs, and not from all mail."""


class Entry(Struct, frozen=True, kw_only=True):
    address: str  # in lower case
    what: str  # has happened; or, of what was added, the provider's own name for it
    words: str
    at: float
    by_hand: bool  # it was added from outside


class Suppressed:
    """Mail that bounced, was complained of or unsubscribed from lists its recipient; and so does whoever adds one.
    `stopping`: which of this keeps further mail from being delivered, whatever comes first having the last word."""

    def __init__(
        self,
        provider: str,
        inbox: Inbox,
        conduct: Conduct,
        clock: Callable[[], float],
        stopping: Sequence[str] = tuple(LISTED),
    ) -> None:
        self._provider = provider
        self._conduct = conduct
        self._clock = clock
        self._stopping = stopping
        self._entries: dict[str, dict[str, Entry]] = {}  # by address, and by what has happened
        inbox.on_happened.append(self._happened)
        inbox.listed[provider] = self.why

    def answer(self, request: Submission, form: "Form", wrong: Callable[[int, str], Rendered]) -> Rendered | None:
        """In the form of a provider; None: the request is none of its list."""
        try:
            return form(request, self)
        except (msgspec.DecodeError, ValueError) as refused:
            return wrong(400, str(refused))

    def add(self, what: str, address: str, words: str = "", *, by_hand: bool = True) -> None:
        """What is listed stays as it is."""
        address = address.lower()
        entry = Entry(address=address, what=what, words=words, at=self._clock(), by_hand=by_hand)
        self._entries.setdefault(address, {}).setdefault(what, entry)

    def of(self, *whats: str) -> list[Entry]:
        return [entry for each in self._entries.values() for entry in each.values() if entry.what in whats]

    def why(self, address: str) -> str | None:
        """For what nothing is delivered to it any more; None: it is."""
        if address in self._conduct.inactive_recipients:
            return "bounced"
        listed = self._entries.get(address.lower(), {})
        return next((what for what in self._stopping if what in listed), None)

    def _happened(self, caught: Caught, happened: Sequence[Happened]) -> None:
        for each in happened if caught.provider == self._provider else ():
            if each.what in LISTED:
                self.add(each.what, caught.draft.recipients[each.place].email, LISTED[each.what], by_hand=False)


Form = Callable[[Submission, Suppressed], Rendered | None]
