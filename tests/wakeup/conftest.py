"""Servers that carry wake-ups."""

from valkey_fixtures import authority, own_valkey, secured_nodes, valkey

__all__ = ["authority", "own_valkey", "secured_nodes", "valkey"]
