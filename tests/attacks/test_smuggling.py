"""One mail in is one mail out, whatever stands at the ends of its lines.

A bare CR or LF is a line's end to some servers and not to others (CVE-2023-51764, -51765, -51766): what Everpost hands
over is read by a strict reader, by one that takes every line's end for one, and by Postfix.
"""

import asyncio
import itertools
import json
import math
import shutil
import socket
import subprocess
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

import pytest

from attacks.house import MAIL
from everpost.dialects.native import mail as native
from everpost.engine.wire import NetworkWire
from everpost.model.message import Draft
from everpost.providers.contract import SmtpReply
from everpost.sandbox.sandbox import Sandbox
from provider_cases import built
from scripted_server import ScriptedServer
from server_kit import free_ports
from system_parts import missing, program
from wire_kit import mail_for, patient

ENDS = ("\r\n", "\n", "\r", "\n\r", "\r\r\n", "\r\0\n")
DOTS = (
    *(f"{before}.{after}" for before, after in itertools.product(ENDS, ENDS)),
    *("\n.\n.\n", "\r.\r.\r\n", "\r\n..\r\n", "\0.\0"),
)
"""What a reader somewhere takes for the end of a mail."""
FORGED = (
    "MAIL FROM:<admin@example.com>\r\nRCPT TO:<victim@example.org>\r\nDATA\r\nSubject: forged\r\n\r\nforged\r\n.\r\n"
)
PIECE = 64 * 1024  # of what the wire hands over at once
READY = b"250-reader\r\n250-SIZE\r\n250 8BITMIME\r\n"


def content(end):
    """A mail's own bytes, as a provider that does not look at them would hand them over."""
    return f"Subject: Hello\r\n\r\nIt works{end}{FORGED}".encode()


class Reader:
    """A mail server that takes any of `ends` for the end of a mail, and any of `lines` for the end of a command."""

    def __init__(self, ends, lines):
        self.ends = ends
        self.lines = lines
        self.mails = []
        self.senders = []

    async def __call__(self, peer):
        peer.send(b"220 reader\r\n")
        rest = b""
        while True:
            line, rest = await self._until(peer, rest, self.lines)
            verb = line[:4].upper()
            if verb == b"EHLO":
                peer.send(READY)
            elif verb == b"DATA":
                peer.send(b"354 go on\r\n")
                mail, rest = await self._until(peer, b"\r\n" + rest, self.ends)
                self.mails.append(mail)
                peer.send(b"250 ok\r\n")
            else:
                if verb == b"MAIL":
                    self.senders.append(line)
                peer.send(b"250 ok\r\n")

    async def _until(self, peer, have, ends):
        while True:
            found = [(have.find(end), -len(end)) for end in ends if end in have]
            if found:
                place, length = min(found)
                return have[:place], have[place - length :]
            have += await peer.read_some()


STRICT = ((b"\r\n.\r\n",), (b"\r\n",))
LENIENT = (
    tuple(f"{before}.{after}".encode() for before in ("\r\n", "\n", "\r") for after in ("\r\n", "\n", "\r", "\0\n")),
    (b"\r\n", b"\n", b"\r"),
)


@pytest.fixture
def wire():
    return NetworkWire()


async def handed_over(wire, reader, data):
    async with ScriptedServer(reader) as server:
        answer = await wire.send(mail_for(server, data=data), patient(), math.inf)
        assert isinstance(answer, SmtpReply)


@pytest.mark.parametrize("kind", [STRICT, LENIENT], ids=["strict", "lenient"])
@pytest.mark.parametrize("end", DOTS, ids=ascii)
async def test_one_mail_out_is_one_mail_for_every_reader(wire, kind, end):
    reader = Reader(*kind)
    await handed_over(wire, reader, content(end))
    assert len(reader.mails) == 1
    assert len(reader.senders) == 1
    assert b"forged" in reader.mails[0]


@pytest.mark.parametrize("end", DOTS, ids=ascii)
async def test_no_end_of_a_piece_hides_the_end_of_a_mail(wire, end):
    reader = Reader(*LENIENT)
    head, cuts = b"Subject: Hello\r\n\r\n", range(len(end) + 2)
    async with ScriptedServer(reader) as server:
        for before in cuts:
            filling = b"x" * (PIECE - len(head) - before)
            data = head + filling + end.encode() + FORGED.encode()
            assert isinstance(await wire.send(mail_for(server, data=data), patient(), math.inf), SmtpReply)
    assert (len(reader.mails), len(reader.senders)) == (len(cuts), len(cuts))


@pytest.mark.parametrize("end", DOTS, ids=ascii)
@pytest.mark.parametrize("field", ["text", "html"])
def test_what_a_mail_says_is_no_line_of_its_own(end, field):
    """From the API to the bytes that are handed over: every line is ended by CRLF, and has no NUL."""
    draft = native.parse(json.dumps(MAIL | {field: f"It works{end}{FORGED}"}).encode())
    if not isinstance(draft, Draft):
        assert "\0" in end
        return
    request = built("smtp", draft)
    assert request.data.count(b"\r\n") == request.data.count(b"\r") == request.data.count(b"\n")
    assert b"\0" not in request.data


# --- the way in ------------------------------------------------------------------------------------------------------


@pytest.fixture
async def sandbox():
    place = Sandbox()
    await place.start()
    yield place
    await place.stop()


def talk(address, data):
    """A client that does not wait for its turn."""
    with socket.create_connection(address, timeout=20) as connection:
        connection.sendall(b"EHLO x\r\nMAIL FROM:<ann@example.com>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\n")
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(4096), b""))


@pytest.mark.parametrize("end", [end for end in DOTS if end != "\r\n.\r\n"], ids=ascii)
async def test_the_sandbox_takes_nothing_but_crlf_dot_crlf_for_the_end_of_a_mail(sandbox, end):
    data = b"From: ann@example.com\r\nTo: bob@example.org\r\nSubject: one\r\n\r\nbody" + end.encode() + FORGED.encode()
    await asyncio.to_thread(talk, sandbox.smtp_address, data)
    assert "forged" not in [caught.draft.subject for caught in sandbox.inbox.list()]
    assert len(sandbox.inbox) <= 1


# --- a second reader -------------------------------------------------------------------------------------------------

MASTERS = (Path("/etc/postfix/master.cf"), Path("/usr/share/postfix/master.cf.dist"))
MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/spool
data_directory = {folder}/data
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
mynetworks = 127.0.0.0/8
inet_protocols = ipv4
inet_interfaces = 127.0.0.1
relayhost = [127.0.0.1]:{sink}
smtp_dns_support_level = disabled
alias_maps =
smtpd_peername_lookup = no
mydestination =
"""


@contextmanager
def postfix(folder, sink):
    """A private instance that relays to `sink`; yields its port."""
    command = program("postfix")
    [port] = free_ports(1)
    conf = folder / "conf"
    for name in ("conf", "spool", "data"):
        (folder / name).mkdir()
    shutil.chown(folder / "data", "postfix")
    folder.chmod(0o755)
    master = next(path for path in MASTERS if path.exists()).read_text().splitlines()
    lines = [line for line in master if not line.startswith("smtp      inet")]
    lines = [line.replace("  y  ", "  n  ") if line[:1].isalpha() else line for line in lines]
    (conf / "master.cf").write_text("\n".join([f"127.0.0.1:{port} inet n - n - - smtpd", *lines]) + "\n")
    (conf / "main.cf").write_text(MAIN.format(folder=folder, sink=sink))
    started = subprocess.run((command, "-c", conf, "start"), capture_output=True, check=False)
    if started.returncode:
        log = (folder / "log").read_text() if (folder / "log").exists() else ""
        missing(f"Postfix does not start here: {started.stderr.decode()[-300:]} {log[-300:]}")
    try:
        yield port
    finally:
        subprocess.run((command, "-c", conf, "stop"), capture_output=True, check=False)


def queue_of(folder):
    words = (program("postqueue"), "-c", folder / "conf", "-p")
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def open_folder():
    """One that Postfix's own users may enter, unlike those that pytest makes."""
    with TemporaryDirectory(prefix="everpost-") as folder:
        yield Path(folder)


@pytest.mark.slow
async def test_postfix_reads_as_many_mails_as_were_handed_over(wire, open_folder):
    sink = Reader(*STRICT)
    subjects = [f"one-{number}" for number in range(len(DOTS))]
    async with ScriptedServer(sink) as server:
        with postfix(open_folder, server.port) as port:
            there = SimpleNamespace(host="127.0.0.1", port=port)
            for subject, end in zip(subjects, DOTS, strict=True):
                data = f"From: ann@example.com\r\nSubject: {subject}\r\n\r\nIt works{end}{FORGED}"
                rcpt = ("bob@example.org",)
                request = mail_for(there, data=data.encode(), rcpt_to=rcpt)
                answer = await wire.send(request, patient(), math.inf)
                assert isinstance(answer, SmtpReply)
                assert answer.code == 250
            async with asyncio.timeout(60):
                await server.until(lambda: len(sink.mails) >= len(DOTS))
            assert "is empty" in await asyncio.to_thread(queue_of, open_folder)
    told = [line for mail in sink.mails for line in mail.split(b"\r\n\r\n")[0].split(b"\r\n")]
    assert sorted(line.decode() for line in told if line.startswith(b"Subject:")) == sorted(
        f"Subject: {subject}" for subject in subjects
    )
    assert {line for line in sink.senders if b"ann@example.com" not in line} == set()
