"""What the engine needs of a place for large attachments. Each lies there under a name that is made of its day and its
content: `2030-01-31/` and 64 hexadecimal digits. So the same content may be put again, and nothing is ever changed."""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol


class AttachmentsUnavailable(Exception):
    """The place can't do it now. Says where, and why."""


class Attachments(Protocol):
    """Every method raises AttachmentsUnavailable."""

    async def put(self, name: str, content: bytes) -> None:
        """Durable when it returns, whether it was there before or not. No content is empty."""
        ...

    async def get(self, name: str) -> bytes | None:
        """None: there is nothing of this name."""
        ...

    def before(self, day: str) -> AsyncIterator[Sequence[str]]:
        """The names of all days before this one, oldest day first, some at a time."""
        ...

    async def delete(self, names: Sequence[str]) -> None:
        """Done also if some are not there."""
        ...

    async def close(self) -> None: ...
