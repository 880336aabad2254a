"""Provider health in Valkey, Redis or ElastiCache, by the few lines of their protocol that it needs."""

from everpost.health.valkey.board import ValkeyHealth
from everpost.health.valkey.login import FetchedPassword, Login, Password
from everpost.health.valkey.server import Patience, Server

__all__ = ["FetchedPassword", "Login", "Password", "Patience", "Server", "ValkeyHealth"]
