"""Spellings of addresses that somebody inside should not call, after the lists that are in use for such tests."""

from collections.abc import Iterator
from ipaddress import IPv4Address

INSIDE = (
    "127.0.0.1",
    "0.0.0.0",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.0.1",
    "100.64.0.1",
    "169.254.169.254",
    "198.18.0.1",
)
INSIDE_6 = (
    "::1",
    "::",
    "fd00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fec0::1",
    "ff02::1",
    "2001:0:7f00:1::",  # Teredo
    "64:ff9b:1::7f00:1",
    "::ffff:0:127.0.0.1",
    "100::1",
)
NAMES = (
    "localhost",
    "LOCALHOST.",
    "localhost.localdomain",
    "ip6-localhost",
    "metadata.google.internal",
    "metadata",
    "instance-data",
    "instance-data.ec2.internal",
    "kubernetes.default.svc",
    "host.docker.internal",
    "localtest.me",
    "127.0.0.1.nip.io",
    "169.254.169.254.nip.io",
    "a9fea9fe.nip.io",
    "7f000001.c0a80001.rbndr.us",
    "make-169.254.169.254-rebind-127.0.0.1-rr.1u.ms",
    "xn--e1afmkfd.localhost",
    "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ",
    "localho\u017ft",
    "127。0。0。1",
    "\uff11\uff12\uff17.0.0.1",
    "①⑦②.①⑥.⓪.①",
)
SCHEMES = ("gopher", "file", "dict", "ftp", "ldap", "smtp", "ws", "jar", "netdoc", "tftp", "sftp", "data", "unix")


def spellings(address: str) -> Iterator[str]:
    """Of an IPv4 address, as one library or another reads it."""
    number, octets = int(IPv4Address(address)), IPv4Address(address).packed
    first, second, third, fourth = octets
    yield address
    yield address + "."
    yield str(number)
    yield hex(number)
    yield oct(number).replace("o", "")
    yield f"00000{number:o}"
    yield ".".join(hex(octet) for octet in octets)
    yield ".".join(f"0{octet:o}" for octet in octets)
    yield ".".join(f"0000000{octet:o}" for octet in octets)
    yield f"{hex(first)}.{second}.0{third:o}.{fourth}"
    yield f"{first}.{int.from_bytes(octets[1:], 'big')}"
    yield f"{first}.{second}.{int.from_bytes(octets[2:], 'big')}"
    yield ".".join(str(octet + 256) for octet in octets)
    yield str(number + 2**32)
    yield address.replace(".", "%2e")
    yield "".join(f"%{ord(char):02x}" for char in address)
    yield f"[::ffff:{address}]"
    yield f"[::ffff:{first:02x}{second:02x}:{third:02x}{fourth:02x}]"
    yield f"[0:0:0:0:0:ffff:{address}]"
    yield f"[::{address}]"
    yield f"[64:ff9b::{address}]"
    yield f"[2002:{first:02x}{second:02x}:{third:02x}{fourth:02x}::1]"
    yield f"[::ffff:{address}%25lo]"


def urls() -> tuple[str, ...]:
    hosts = [spelling for address in INSIDE for spelling in spellings(address)]
    hosts += [f"[{address}]" for address in INSIDE_6] + list(NAMES)
    found = [f"http://{host}/latest/meta-data/" for host in hosts]
    found += [f"{scheme}://169.254.169.254/x" for scheme in SCHEMES]
    found += [
        "http://api.mailgun.net@169.254.169.254/",
        "http://169.254.169.254#@api.mailgun.net/",
        "http://169.254.169.254\\@api.mailgun.net/",
        "http://api.mailgun.net:80@169.254.169.254:80/",
        "http://api.mailgun.net%00.169.254.169.254/",
        "http://169.254.169.254%0d%0aHost:%20x/",
        "//169.254.169.254/",
        "\\\\169.254.169.254\\share",
        "http:169.254.169.254",
        "http:///169.254.169.254/",
        "http://169.254.169.254:80",
        "https://169.254.169.254:443/",
        "http://[::1]:80/",
        "http://0/",
        "http://127.1/",
        "file:///etc/passwd",
        "file://localhost/etc/passwd",
    ]
    return tuple(dict.fromkeys(found))


URLS = urls()
