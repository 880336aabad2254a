"""What the relay needs of a sink."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol


class Sink(Protocol):
    name: str  # of the cursor that is kept for it

    @property
    def buried(self) -> int:
        """Events that it will never take and that were told elsewhere, since the start."""
        ...

    async def put(self, events: Sequence[Mapping[str, Any]]) -> None:
        """Takes CloudEvents, in order. Raising means that all of them will be put again later."""
        ...

    async def close(self) -> None: ...
