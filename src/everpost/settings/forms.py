"""What a text must look like where not any text will do."""

import re
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import urlsplit

from everpost.providers.contract import Form

_LABEL: Final = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN: Final = re.compile(rf"({_LABEL}\.)*{_LABEL}", re.IGNORECASE)
_IPV6: Final = re.compile(r"[0-9a-f:.]*:[0-9a-f:.]*", re.IGNORECASE)
_PORT: Final = re.compile(r"[0-9]{1,5}")
PORT_MAX: Final = 65_535


def is_domain(text: str) -> bool:
    return _DOMAIN.fullmatch(text) is not None


def is_url(text: str) -> bool:
    """An http or https address with a host."""
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is none, a bracket without its other half
        return False


def is_origin(text: str) -> bool:
    """Scheme, host and port as browsers write them in the header Origin (RFC 6454 6.2)."""
    if not is_url(text) or not text.isascii() or text != text.lower():
        return False
    parts = urlsplit(text)
    default = {"http": ":80", "https": ":443"}[parts.scheme]
    host = parts.hostname or ""
    return (
        _is_host(host) and text == f"{parts.scheme}://{parts.netloc}" and "@" not in text and not text.endswith(default)
    )


def _is_host(text: str) -> bool:
    return is_domain(text) or _IPV6.fullmatch(text) is not None


def _is_port(text: str) -> bool:
    return _PORT.fullmatch(text) is not None and 1 <= int(text) <= PORT_MAX


FORMS: Final[Mapping[Form, tuple[Callable[[str], bool], str]]] = {
    Form.TEXT: (bool, "a text in quotes"),
    Form.HOST: (_is_host, "a name or address of a server, such as smtp.example.com"),
    Form.DOMAIN: (is_domain, "a domain, such as mail.example.com"),
    Form.PORT: (_is_port, f"a port, from 1 to {PORT_MAX}"),
    Form.URL: (is_url, "an address, such as https://api.example.com"),
}
"""Whether a text is of the form, and what is."""
