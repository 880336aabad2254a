"""Events of providers that sign nothing: JSON, with a login."""

import secrets
from base64 import b64encode
from typing import Any, Final

import msgspec

from everpost.sandbox.events import Post

USER: Final = "sandbox"


def login() -> str:
    """A user and a new password."""
    return f"{USER}:{secrets.token_hex(16)}"


def post_with(login: str, body: Any) -> Post:
    """A request that brings this as JSON."""
    return Post(msgspec.json.encode(body), {"Authorization": f"Basic {b64encode(login.encode()).decode()}"})
