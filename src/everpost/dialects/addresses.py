"""Addresses as people and programs write them: `ann@example.com`, `Ann <ann@example.com>`, `"Doe, Ann" <…>, …`.

Strict where a lenient reading could drop or change a recipient, and every refusal says how to mend it. Plain ASCII is
checked here (RFC 5321 4.1.2 and 4.5.3.1, dot-atoms only); everything else by email-validator, without DNS. A domain in
another script is kept in its ASCII form (RFC 5891), so that no provider has to know the difference.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final

from everpost.model.limits import ADDRESS_CHARS_MAX, LOCAL_PART_CHARS_MAX, NAME_CHARS_MAX
from everpost.model.message import Address

_ATOM: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_PLAIN: Final = re.compile(rf"({_ATOM}(?:\.{_ATOM})*)@(?:{_LABEL}\.)+(?!\d+\Z){_LABEL}")
_FORBIDDEN: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_TO_BE_QUOTED: Final = re.compile(r'[,;<>"]')
_QUOTED_NAME: Final = re.compile(r'"((?:[^"\\]|\\.)*)"')
_ESCAPED: Final = re.compile(r"\\(.)")
_TEXT_CHARS_MAX: Final = 2 * NAME_CHARS_MAX + ADDRESS_CHARS_MAX + 8  # a name of escaped characters, quotes, brackets
_ENCODED_CHARS_MAX: Final = 16 * NAME_CHARS_MAX + _TEXT_CHARS_MAX  # a name in encoded-words: up to 12 a character
_CACHED_MAX: Final = 4096
_SHOWN_CHARS_MAX: Final = 80
_CONTROL: Final = "control characters (line breaks among them) are not allowed in an address"


def check_email(email: str) -> str | None:
    """What is wrong with a bare address, or None."""
    found = _bare(email)
    return found if isinstance(found, str) else None


def address_of(email: str, name: str = "") -> Address | str:
    """The address made of its two parts, or what is wrong with them."""
    if _has_forbidden(name):
        return f"{_shown(name)}: {_CONTROL}"
    if len(name) > NAME_CHARS_MAX:
        return f"{_shown(name)}: the name has {len(name)} characters, at most {NAME_CHARS_MAX} are allowed"
    found = _bare(email)
    return found if isinstance(found, str) or not name else Address(found.email, name.strip())


def parse_address(text: str) -> Address | str:
    """One address with or without a name, or what is wrong with it."""
    if len(text) > _TEXT_CHARS_MAX:
        return f"{_shown(text)}: {len(text)} characters are too long for one address"
    return _parse(text)


def parse_address_list(text: str) -> list[Address | str]:
    """The addresses of a comma-separated list, each one read by itself. Empty places are skipped."""
    return [parse_address(part) for part in _split(text) if part.strip()]


def parse_encoded_list(text: str, decode: Callable[[str], str]) -> list[Address | str]:
    """As `parse_address_list`, of a header whose names may be encoded-words (RFC 2047). `decode` reads a name after the
    addresses were told apart, so that no name can hold one."""
    parts = [part for part in _split(text) if part.strip()]
    return [_read(part, decode) if len(part) <= _ENCODED_CHARS_MAX else parse_address(part) for part in parts]


@lru_cache(_CACHED_MAX)
def _parse(text: str) -> Address | str:
    return _read(text, str)


def _read(text: str, decode: Callable[[str], str]) -> Address | str:
    stripped = text.strip(" ")
    if _has_forbidden(stripped):
        return f"{_shown(text)}: {_CONTROL}"
    if not stripped.endswith(">"):
        return address_of(stripped)
    phrase, bracket, email = stripped[:-1].rpartition("<")
    if not bracket:
        return f"{_shown(text)}: the `<` before the address is missing"
    name = _name_of(phrase.strip())
    if name is None:
        return f'{_shown(text)}: a name with one of , ; < > " must stand in double quotes: "Doe, Ann" <ann@example.com>'
    return address_of(email.strip(), decode(name))


def _name_of(phrase: str) -> str | None:
    if not _TO_BE_QUOTED.search(phrase):
        return phrase
    quoted = _QUOTED_NAME.fullmatch(phrase)
    return _ESCAPED.sub(r"\1", quoted[1]) if quoted else None


def _has_forbidden(text: str) -> bool:
    return not (text.isascii() and text.isprintable()) and _FORBIDDEN.search(text) is not None


def _bare(email: str) -> Address | str:
    plain = _PLAIN.fullmatch(email)
    if plain and len(email) <= ADDRESS_CHARS_MAX and len(plain[1]) <= LOCAL_PART_CHARS_MAX:
        return Address(email)
    return _fault(email) or _validated(email)


def _fault(email: str) -> str | None:
    """The faults that are ours to name; the rest is left to the library."""
    shown = _shown(email)
    if not email:
        return "the address is empty: write it as ann@example.com"
    if _has_forbidden(email):
        return f"{shown}: {_CONTROL}"
    local, at, domain = email.rpartition("@")
    if not at:
        return f"{shown}: an address needs an @, as in ann@example.com"
    if len(email) > ADDRESS_CHARS_MAX:
        return f"{shown}: the address has {len(email)} characters, at most {ADDRESS_CHARS_MAX} are allowed (RFC 5321)"
    if len(local) > LOCAL_PART_CHARS_MAX:
        return f"{shown}: the part before the @ has {len(local)} characters, at most {LOCAL_PART_CHARS_MAX} are allowed"
    if any(len(label) > 63 for label in domain.split(".")):
        return f"{shown}: a part of the domain has more than the 63 characters that are allowed"
    return None


def _validated(email: str) -> Address | str:
    from email_validator import EmailNotValidError, validate_email  # noqa: PLC0415  most need none

    try:
        valid = validate_email(email, check_deliverability=False)
    except EmailNotValidError as refused:
        return f"{_shown(email)}: {refused}"
    found = valid.ascii_email or f"{valid.local_part}@{valid.ascii_domain}"
    return Address(found) if len(found) <= ADDRESS_CHARS_MAX else f"{_shown(email)}: the address is too long"


def _split(text: str) -> list[str]:
    """Cuts at the commas that stand neither in quotes nor in angle brackets."""
    if "," not in text:
        return [text]  # most lists hold one address
    parts, start, in_quotes, in_brackets, skip = [], 0, False, False, False
    for at, char in enumerate(text):
        if skip:
            skip = False
        elif char == "\\":
            skip = in_quotes
        elif char == '"':
            in_quotes = not in_quotes
        elif not in_quotes and char in "<>":
            in_brackets = char == "<"
        elif char == "," and not in_quotes and not in_brackets:
            parts.append(text[start:at])
            start = at + 1
    return [*parts, text[start:]]


def _shown(text: str) -> str:
    return ascii(text if len(text) <= _SHOWN_CHARS_MAX else text[:_SHOWN_CHARS_MAX] + "…")
