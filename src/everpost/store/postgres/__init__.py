"""A store in one PostgreSQL database, shared by as many processes of as many hosts as reach it."""

from everpost.store.postgres.store import PostgresStore

__all__ = ["PostgresStore"]
