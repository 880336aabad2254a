"""What this room needs of the sandbox: the mails that its providers have taken."""

from collections.abc import Sequence
from typing import Protocol

from everpost.model.message import Draft


class Caught(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def provider(self) -> str: ...
    @property
    def received_at(self) -> float: ...
    @property
    def delivery_id(self) -> str | None: ...
    @property
    def provider_message_id(self) -> str: ...
    @property
    def draft(self) -> Draft: ...


class Inbox(Protocol):
    def list(self, limit: int, before: str | None = None) -> Sequence[Caught]:
        """The latest mails, or the latest before one, newest first."""
        ...

    def get(self, caught_id: str) -> Caught | None: ...

    def remove(self, caught_id: str) -> bool:
        """False: it is not there."""
        ...

    def clear(self) -> None: ...
