"""What is needed of a place that keeps secrets."""

from typing import Protocol

from everpost.model.secret import Source


class SecretUnavailable(Exception):
    """A secret can't be read. The text says which, why, and how to mend it; it never holds a value."""


class Vault(Protocol):
    async def read(self, source: Source) -> str:
        """The text as it is now. Raises SecretUnavailable."""
        ...
