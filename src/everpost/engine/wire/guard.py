"""Keeps requests to addresses of others' choice away from our own network.

What is judged is the address that the connection then goes to, after the name was resolved: a name that is resolved
once more later, or elsewhere, leads nowhere else (DNS rebinding). Address space is judged by IANA's registries of
special purposes; of IPv6 only what is allocated for use in public (2000::/3) is let through at all.
"""

import ipaddress
import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_CLOSED: Final[tuple[Network, ...]] = tuple(
    map(
        ipaddress.ip_network,
        (
            "0.0.0.0/8",  # this network
            "10.0.0.0/8",  # private
            "100.64.0.0/10",  # carriers' NAT; Alibaba's metadata
            "127.0.0.0/8",  # loopback
            "168.63.129.16/32",  # Azure's platform, to its machines
            "169.254.0.0/16",  # link-local; metadata of AWS, Azure, Google and others
            "172.16.0.0/12",  # private
            "192.0.0.0/24",  # protocol assignments; Oracle's metadata
            "192.0.2.0/24",  # documentation
            "192.31.196.0/24",  # AS112
            "192.52.193.0/24",  # AMT relays
            "192.88.99.0/24",  # relays of 6to4
            "192.168.0.0/16",  # private
            "192.175.48.0/24",  # AS112
            "198.18.0.0/15",  # benchmarks
            "198.51.100.0/24",  # documentation
            "203.0.113.0/24",  # documentation
            "224.0.0.0/4",  # multicast
            "240.0.0.0/4",  # reserved, broadcast
            "2001::/23",  # protocol assignments: Teredo, ORCHID, benchmarks
            "2001:db8::/32",  # documentation
            "2002::/16",  # 6to4, which leads to any IPv4 address
            "2620:4f:8000::/48",  # AS112
            "3fff::/20",  # documentation
        ),
    )
)
_OPEN_V6: Final = ipaddress.IPv6Network("2000::/3")
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_V4_BITS: Final = 0xFFFFFFFF

_PLAIN: Final = re.compile(r"[!-~]+")
_LABEL: Final = r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)"
_NAME: Final = re.compile(rf"(?=.{{1,253}}\.?\Z)(?:{_LABEL}\.)+{_LABEL}\.?")
_NUMBER: Final = re.compile(r"(?:[0-9]+|0[xX][0-9A-Fa-f]*)\.?")
_DEFAULT_PORTS: Final = {"https": 443, "http": 80}
_USER_PORTS_FROM: Final = 1024


class Guard:
    """Lets through what is public, and the networks in `allow`."""

    def __init__(self, allow: Sequence[Network] = (), *, plain_http: bool = False) -> None:
        """`plain_http`: addresses without TLS are good, too."""
        self._allow = tuple(allow)
        self._schemes = ("https", "http") if plain_http else ("https",)

    def lets(self, address: str) -> bool:
        """Whether this address, as a resolver gives it, may be connected to."""
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:  # one with a scope id that is none
            return False
        meant = _meant(parsed)
        return any(meant in network for network in self._allow) or _is_public(meant)

    def complaint(self, url: str) -> str | None:
        """What is wrong with an address, as far as it can be told before its name is resolved; None: nothing."""
        if not _PLAIN.fullmatch(url):
            return f"must be printable ASCII without blanks; {_ascii_hint(url)}"
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            return "is not an address"
        if parts.scheme not in self._schemes:
            return f"must start with {' or '.join(f'{scheme}://' for scheme in self._schemes)}"
        if "@" in parts.netloc or "\\" in url or not parts.hostname:
            return "must be scheme, host, port and path: no user, no password, no backslash"
        if parts.fragment or url.endswith("#"):
            return "must not have a #fragment: it is never sent"
        if port is not None and port != _DEFAULT_PORTS[parts.scheme] and port < _USER_PORTS_FROM:
            return f"must have port {_DEFAULT_PORTS[parts.scheme]}, or one from {_USER_PORTS_FROM} on"
        return self._host_complaint(parts.hostname, bracketed="[" in parts.netloc)

    def _host_complaint(self, host: str, *, bracketed: bool) -> str | None:
        if bracketed or _NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]):
            try:
                literal = ipaddress.IPv6Address(host) if bracketed else ipaddress.IPv4Address(host)
            except ValueError:
                return "has a host in numbers that is no plain IP address; write it as 192.0.2.1 or [2001:db8::1]"
            return None if self.lets(str(literal)) else NOT_PUBLIC
        return None if _NAME.fullmatch(host) else "has a host that is no full name, as in hooks.example.com"


NOT_PUBLIC: Final = "leads to no address in public; see `allow` in [webhooks] for receivers in your own network"


def _meant(address: Address) -> Address:
    """Where it leads: NAT64 (RFC 6052) translates it into IPv4."""
    if isinstance(address, ipaddress.IPv6Address) and address in _NAT64:
        return ipaddress.IPv4Address(int(address) & _V4_BITS)
    return address


def _is_public(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address) and address not in _OPEN_V6:
        return False
    return not any(address in network for network in _CLOSED)


def _ascii_hint(url: str) -> str:
    """How a name in another script is to be written."""
    try:
        host = urlsplit(url).hostname or ""
        coded = host.encode("idna").decode()
    except (UnicodeError, ValueError):
        return "write a name in another script in its ASCII form, xn--…"
    return f"write the host as {coded}" if coded != host else "write other characters as %XX"
