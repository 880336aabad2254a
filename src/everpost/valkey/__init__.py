"""Valkey, Redis or ElastiCache, by the few lines of their protocol that are needed here."""

from everpost.valkey.login import FetchedPassword, Login, Password, ValkeyUnavailable
from everpost.valkey.resp import Argument, Command, Reply
from everpost.valkey.server import Patience, Server

__all__ = [
    "Argument",
    "Command",
    "FetchedPassword",
    "Login",
    "Password",
    "Patience",
    "Reply",
    "Server",
    "ValkeyUnavailable",
]
