"""PostgreSQL's client, as the store and the wake-ups use it: connections that are few, checked and never trusted."""

from everpost.postgres.faults import Conflict, Fault, Lost, Refused, Unreachable
from everpost.postgres.pool import Pool
from everpost.postgres.server import Server, Tls
from everpost.postgres.statement import Statement

__all__ = ["Conflict", "Fault", "Lost", "Pool", "Refused", "Server", "Statement", "Tls", "Unreachable"]
