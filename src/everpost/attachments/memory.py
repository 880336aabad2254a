"""Attachments in the memory of one process, for tests, simulations and demonstrations. Lost at its end."""

from collections.abc import AsyncIterator, Sequence
from itertools import groupby


class MemoryAttachments:
    def __init__(self) -> None:
        self._contents: dict[str, bytes] = {}

    async def put(self, name: str, content: bytes) -> None:
        self._contents[name] = content

    async def get(self, name: str) -> bytes | None:
        return self._contents.get(name)

    async def before(self, day: str) -> AsyncIterator[Sequence[str]]:
        old = sorted(name for name in self._contents if name < day)
        for _, names in groupby(old, lambda name: name.partition("/")[0]):
            yield list(names)

    async def delete(self, names: Sequence[str]) -> None:
        for name in names:
            self._contents.pop(name, None)

    async def close(self) -> None:
        """Nothing to be kept, nothing to be freed."""
