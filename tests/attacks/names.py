"""A name server within a network of its own, that answers what an attacker's would."""

import socket
import struct
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from ipaddress import ip_address
from pathlib import Path

A, AAAA, IN = 1, 28, 1
RESPONSE, NO_SUCH_NAME = 0x8180, 3
_HEADER = 12

Answers = Mapping[str, Sequence[Sequence[str]]]
"""By name: the addresses of the first answer, of the second, …; the last ones again and again."""


def name_servers() -> list[str]:
    """Whom this machine asks."""
    lines = (line.split() for line in Path("/etc/resolv.conf").read_text().splitlines())
    return [words[1] for words in lines if len(words) > 1 and words[0] == "nameserver"] or ["127.0.0.1"]


@contextmanager
def answering(answers: Answers) -> Iterator[Counter[str]]:
    """In place of this machine's name servers, within the network that leads everywhere to itself. Yields how often
    each name was asked for, by its IPv4 address."""
    asked: Counter[str] = Counter()
    with ExitStack() as stack:
        for address in name_servers():
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            server = stack.enter_context(socket.socket(family, socket.SOCK_DGRAM))
            server.bind((address, 53))
            server.settimeout(0.1)
            over = threading.Event()
            thread = threading.Thread(target=_serve, args=(server, answers, asked, over))
            thread.start()
            stack.callback(thread.join)
            stack.callback(over.set)
        yield asked


def _serve(server: socket.socket, answers: Answers, asked: Counter[str], over: threading.Event) -> None:
    while not over.is_set():
        try:
            question, caller = server.recvfrom(512)
        except TimeoutError:
            continue
        server.sendto(_answer(question, answers, asked), caller)


def _answer(question: bytes, answers: Answers, asked: Counter[str]) -> bytes:
    name, end = _name(question)
    kind = int.from_bytes(question[end : end + 2], "big")
    known = answers.get(name)
    if kind == A:
        asked[name] += 1
    turn = max(asked[name], 1)
    addresses = [ip_address(each) for each in known[min(turn, len(known)) - 1]] if known else []
    packed = [each.packed for each in addresses if each.version == (4 if kind == A else 6)]
    flags = RESPONSE if known else RESPONSE | NO_SUCH_NAME
    records = b"".join(struct.pack("!HHHIH", 0xC00C, kind, IN, 0, len(each)) + each for each in packed)
    return question[:2] + struct.pack("!HHHHH", flags, 1, len(packed), 0, 0) + question[_HEADER : end + 4] + records


def _name(question: bytes) -> tuple[str, int]:
    labels, place = [], _HEADER
    while length := question[place]:
        labels.append(question[place + 1 : place + 1 + length].decode("ascii", errors="replace"))
        place += 1 + length
    return ".".join(labels).lower(), place + 1
