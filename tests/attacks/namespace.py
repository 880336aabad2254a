"""A network of its own, in which every address there is leads to this machine, and everything that leaves is seen.

Root on Linux makes it for one thread (unshare(2)); sockets and processes that the thread makes belong to it.
"""

import ctypes
import os
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from typing import Any

from system_parts import missing, program

CLONE_NEWNET = 0x40000000
ALL_PROTOCOLS = 0x0003
TCP, UDP = 6, 17
SYN, ACK = 0x02, 0x10
PORTS = (21, 22, 25, 53, 80, 389, 443, 465, 587, 2375, 3306, 5432, 6379, 8080, 9200, 11211)
"""Where somebody listens, at every address."""

Contact = tuple[str, str, int]  # protocol, address and port


def check_in_namespace(body: Callable[[], None]) -> None:
    """Runs `body` in a new network; raises what it raises."""
    ip = program("ip")
    trouble: list[BaseException] = []

    def run() -> None:
        try:
            if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
                trouble.append(PermissionError(os.strerror(ctypes.get_errno())))
                return
            for words in ("link set lo up", "route add local 0.0.0.0/0 dev lo", "-6 route add local ::/0 dev lo"):
                subprocess.run((ip, *words.split()), check=True)
            body()
        except BaseException as error:  # noqa: BLE001 - raised again by who waits
            trouble.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if trouble and isinstance(trouble[0], PermissionError):
        missing(f"a network namespace can't be made here: {trouble[0]}")
    if trouble:
        raise trouble[0]


@contextmanager
def wiretap() -> Iterator[set[Contact]]:
    """Every attempt to connect, and every datagram, by whomever."""
    seen: set[Contact] = set()
    with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ALL_PROTOCOLS)) as tap:
        tap.settimeout(0.1)
        over = threading.Event()

        def listen() -> None:
            while not over.is_set():
                try:
                    contact = read(tap.recv(128))
                except TimeoutError:
                    continue
                if contact is not None:
                    seen.add(contact)

        thread = threading.Thread(target=listen)
        thread.start()
        try:
            yield seen
        finally:
            over.set()
            thread.join()


def read(packet: bytes) -> Contact | None:
    """Whom a packet is for, if it begins something."""
    if packet[0] >> 4 == 4:
        protocol, address, content = packet[9], packet[16:20], packet[4 * (packet[0] & 15) :]
    else:
        protocol, address, content = packet[6], packet[24:40], packet[40:]
    port = int.from_bytes(content[2:4], "big")
    if protocol == TCP and content[13] & (SYN | ACK) == SYN:
        return "tcp", str(ip_address(address)), port
    return ("udp", str(ip_address(address)), port) if protocol == UDP else None


@contextmanager
def listeners() -> Iterator[list[Any]]:
    """Somebody listens at all addresses, and takes down who calls."""
    calls: list[Any] = []
    listening = []
    for family in (socket.AF_INET, socket.AF_INET6):
        for port in PORTS:
            listener = socket.socket(family)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listener.bind(("", port))
            listener.listen()
            thread = threading.Thread(target=_accept, args=(listener, calls), daemon=True)
            thread.start()
            listening.append((listener, thread))
    try:
        yield calls
    finally:
        for listener, thread in listening:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()  # while it is in accept(2), the port stays taken
            listener.close()


def _accept(listener: socket.socket, calls: list[Any]) -> None:
    while True:
        try:
            connection, caller = listener.accept()
        except OSError:
            return
        calls.append((listener.getsockname(), caller))
        connection.close()
