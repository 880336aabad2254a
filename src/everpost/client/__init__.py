"""A client of Everpost: `Everpost`, and `AsyncEverpost` for programs that run on asyncio. Needs the extra `client`.

A call is one request and its repetitions: what failed on the way is tried again until the deadline, under the same
idempotency key, so that one call sends one mail. What was refused is raised at once.
"""

from everpost.client.aio import AsyncEverpost
from everpost.client.answers import Attempt, Delivery, Email, Event, Page, Recipient, Sent, Suppression
from everpost.client.errors import (
    Conflict,
    EverpostError,
    FieldError,
    Forbidden,
    Invalid,
    NoAnswer,
    NotFound,
    Refused,
    Unauthorized,
    Unavailable,
)
from everpost.client.mail import Address, Attachment, Mail
from everpost.client.patience import Patience
from everpost.client.sync import Everpost

__all__ = [
    "Address",
    "AsyncEverpost",
    "Attachment",
    "Attempt",
    "Conflict",
    "Delivery",
    "Email",
    "Event",
    "Everpost",
    "EverpostError",
    "FieldError",
    "Forbidden",
    "Invalid",
    "Mail",
    "NoAnswer",
    "NotFound",
    "Page",
    "Patience",
    "Recipient",
    "Refused",
    "Sent",
    "Suppression",
    "Unauthorized",
    "Unavailable",
]
