"""A store in one SQLite file, shared by as many processes of one machine as open it."""

from everpost.store.sqlite.store import SqliteStore

__all__ = ["SqliteStore"]
