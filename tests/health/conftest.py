"""Servers of provider health."""

from valkey_fixtures import authority, key, own_valkey, secured_nodes, valkey

__all__ = ["authority", "key", "own_valkey", "secured_nodes", "valkey"]
