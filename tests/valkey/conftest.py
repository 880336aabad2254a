"""Servers to speak to."""

from valkey_fixtures import key, valkey

__all__ = ["key", "valkey"]
