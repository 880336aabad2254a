"""Commands as clients write them (RFC 5321 4.1), read into values. What they mean is the session's."""

import binascii
import re
from base64 import b64decode
from collections.abc import Collection
from typing import Final, NamedTuple

from everpost.dialects.addresses import address_of
from everpost.model.limits import SMTP_MESSAGE_BYTES_MAX
from everpost.model.message import Address

_PATH: Final = re.compile(r'(?i:FROM|TO): *<((?:[^"<>]|"(?:[^"\\]|\\.)*")*)>((?: .*)?)')
_PARAMETER: Final = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]*)(?:=([!-<>-~\u0080-\U0010ffff]*))?")
_HELLO: Final = re.compile(r"[!-~]{1,255}")

MAIL_PARAMETERS: Final = frozenset({"SIZE", "BODY", "SMTPUTF8", "AUTH", "RET", "ENVID"})
"""Of SIZE, 8BITMIME, SMTPUTF8, AUTH and DSN. What DSN asks for is not done: webhooks tell what becomes of a mail."""
RCPT_PARAMETERS: Final = frozenset({"NOTIFY", "ORCPT"})
_BODIES: Final = ("7BIT", "8BITMIME")


class Refused(Exception):
    """The reply to a command that can't be obeyed."""


class Farewell(Exception):
    """The reply that is the last one."""


class Command(NamedTuple):
    verb: str  # in capitals
    rest: str


class Path(NamedTuple):
    email: str  # as written; empty: the null sender
    parameters: dict[str, str]  # names in capitals


def read_command(line: str) -> Command:
    verb, _, rest = line.partition(" ")
    return Command(verb.upper(), rest.strip(" "))


def check_hello(rest: str) -> None:
    """The client's name for itself. Nobody asks whether it is true."""
    if not _HELLO.fullmatch(rest):
        raise Refused("501 5.5.4 say who you are: EHLO client.example.com")


def read_sender(rest: str) -> Path:
    """Of MAIL FROM. Who gets what bounces is each provider's own to say, so the address need only be one."""
    path = _path(rest, "MAIL FROM:<ann@example.com>", "FROM", MAIL_PARAMETERS)
    size = path.parameters.get("SIZE", "0")
    if not size.isdecimal() or len(size) > 20:
        raise Refused("501 5.5.4 SIZE is a number of bytes")
    if int(size) > SMTP_MESSAGE_BYTES_MAX:
        raise Refused(f"552 5.3.4 a mail has at most {SMTP_MESSAGE_BYTES_MAX} bytes")
    if path.parameters.get("BODY", _BODIES[0]).upper() not in _BODIES:
        raise Refused("501 5.5.4 BODY is 7BIT or 8BITMIME")
    if path.email:
        _address(path.email, "553 5.1.7", is_utf8="SMTPUTF8" in path.parameters)
    return path


def read_recipient(rest: str, *, is_utf8: bool) -> Address:
    """Of RCPT TO."""
    path = _path(rest, "RCPT TO:<bob@example.org>", "TO", RCPT_PARAMETERS)
    return _address(path.email, "553 5.1.3", is_utf8=is_utf8)


def read_base64(text: str) -> bytes:
    """An answer of AUTH (RFC 4954 4). A single `=` is an empty one."""
    try:
        return b"" if text == "=" else b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Refused("501 5.5.2 this is not base64") from None


def read_plain(answer: bytes) -> str:
    """The password of AUTH PLAIN (RFC 4616): behind whom to act as, and the user name."""
    parts = answer.split(b"\0")
    if len(parts) != 3:
        raise Refused("501 5.5.2 AUTH PLAIN takes base64 of: NUL user NUL key")
    return parts[2].decode(errors="replace")


def _path(rest: str, example: str, word: str, known: Collection[str]) -> Path:
    match = _PATH.fullmatch(rest)
    if match is None or not rest.upper().startswith(word):
        raise Refused(f"501 5.5.4 write it as {example}")
    parameters: dict[str, str] = {}
    for text in match[2].split():
        found = _PARAMETER.fullmatch(text)
        name = found[1].upper() if found else ""
        if found is None or name not in known:
            raise Refused(f"555 5.5.4 the parameter {text[:40]!a} is not known")
        if name in parameters:
            raise Refused(f"501 5.5.4 {name} is given twice")
        parameters[name] = found[2] or ""
    return Path(match[1], parameters)


def _address(email: str, code: str, *, is_utf8: bool) -> Address:
    """Source routes (`@a,@b:bob@c`), quoted and bare names are no addresses that a provider takes."""
    if not email.isascii() and not is_utf8:
        raise Refused("553 5.6.7 an address beyond ASCII needs SMTPUTF8 with MAIL")
    found = address_of(email)
    if isinstance(found, str):
        raise Refused(f"{code} {found}")
    return found
