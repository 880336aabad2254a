"""Libraries of Python, Node, Ruby and PHP, unmodified, send by the very blocks of docs/recipes.md. The certificate is
the test's own, and they are told to trust it as anybody would tell them."""

import asyncio
import base64
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

import node_kit
from everpost.model.message import Address
from recipes.page import block, pointed, port_kind
from smtp_kit import certified, submitting
from system_parts import missing, program

PROGRAMS = Path(__file__).resolve().parent / "programs"
NO_LIBRARY = 69  # what the programs end with
CONTENT = b"%PDF\n.\n\0\xff"
FILE = {"name": "Rechnung für Bob.pdf", "type": "application/pdf", "base64": base64.b64encode(CONTENT).decode()}
MAIL = {
    "sender": {"name": "Änn Example", "address": "ann@example.com"},
    "to": "bob@example.org",
    "bcc": "eve@example.org",
    "subject": "Grüße, " + "ü" * 60,
    "text": "Grüße\n.\n..two dots\n" + "long " * 300,
    "html": "<p>Grüße, <b>Bob</b></p>",
    "file": FILE,
}


@dataclass(frozen=True)
class Recipe:
    """How a block of the page is run."""

    heading: str
    language: str
    words: Callable[[], list[str]]
    change: tuple[str, str] = ("", "")  # what the page says that older versions write in another way


def nodemailer() -> list[str]:
    node_kit.install()
    return ["node", str(PROGRAMS / "nodemailer.mjs"), str(node_kit.FOLDER)]


def run_by(interpreter: str, name: str) -> Callable[[], list[str]]:
    return lambda: [program(interpreter), str(PROGRAMS / name)]


RECIPES = [
    Recipe("Django", "python smtp", lambda: [sys.executable, str(PROGRAMS / "django_mail.py")]),
    Recipe("Node", "js", nodemailer),
    Recipe("Ghost", "json mail", nodemailer),
    Recipe("Ruby on Rails", "ruby", run_by("ruby", "action_mailer.rb")),
    Recipe("GitLab", "ruby", run_by("ruby", "action_mailer.rb")),
    Recipe("Laravel", "ini", run_by("php", "laravel.php"), ("MAIL_SCHEME=smtps", "MAIL_ENCRYPTION=ssl")),
    Recipe("Nextcloud", "php", run_by("php", "symfony_mailer.php")),
    Recipe("WordPress", "php", run_by("php", "phpmailer.php")),
]
each = pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.heading)


async def told(recipe: Recipe, folder: Path, *, port: int, key: str, trusted: Path | None) -> tuple[int, str]:
    """How its program ended, and what it said."""
    shown = block(recipe.heading, recipe.language).replace(*recipe.change)
    task = {"block": pointed(shown, at="localhost", port=port, key=key), "mail": MAIL}
    trust = {"SSL_CERT_FILE": str(trusted), "NODE_EXTRA_CA_CERTS": str(trusted)} if trusted else {}
    words = await asyncio.to_thread(recipe.words)
    process = await asyncio.create_subprocess_exec(
        *words,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=folder,
        env=os.environ | trust,
    )
    said, _ = await process.communicate(json.dumps(task).encode())
    if process.returncode == NO_LIBRARY:
        missing(f"the library of {words[1]} is not installed; .ci/packages lists the Debian packages that tests start")
    return process.returncode, said.decode()


@each
async def test_a_recipe_sends_by_tls(recipe, tmp_path):
    files = certified(tmp_path, "localhost")
    async with submitting(tls=files) as served:
        port = served.ports[port_kind(block(recipe.heading, recipe.language))]
        ended = await told(recipe, tmp_path, port=port, key=served.token, trusted=files.certificate)
        mails = await served.mails()
    assert (ended[0], len(mails)) == (0, 1), ended[1]
    if recipe.language == "js":
        assert (mails[0].subject, mails[0].text.rstrip()) == ("Hello", "It works")
    else:
        check(mails[0])


def check(mail):
    assert (mail.sender, mail.to) == (Address("ann@example.com", "Änn Example"), (Address("bob@example.org"),))
    assert (mail.bcc, mail.subject) == ((Address("eve@example.org"),), MAIL["subject"])
    assert (mail.text.rstrip(), mail.html.rstrip()) == (MAIL["text"].rstrip(), MAIL["html"])
    [file] = mail.attachments
    assert (file.filename, file.content_type, file.content) == ("Rechnung für Bob.pdf", "application/pdf", CONTENT)


@each
async def test_a_wrong_key_is_told(recipe, tmp_path):
    files = certified(tmp_path, "localhost")
    async with submitting(tls=files) as served:
        port = served.ports[port_kind(block(recipe.heading, recipe.language))]
        code, said = await told(recipe, tmp_path, port=port, key="evp_wrong", trusted=files.certificate)
        assert await served.mails() == []
    assert code != 0
    assert re.search("535|could not authenticate", said, re.IGNORECASE), said


@each
async def test_a_certificate_that_nobody_vouches_for_gets_no_key(recipe, tmp_path):
    files = certified(tmp_path, "localhost")
    async with submitting(tls=files) as served:
        port = served.ports[port_kind(block(recipe.heading, recipe.language))]
        code, said = await told(recipe, tmp_path, port=port, key=served.token, trusted=None)
        assert await served.mails() == []
    assert code != 0
    assert re.search("certificate|could not connect", said, re.IGNORECASE), said


@each
async def test_where_no_tls_is_offered_nothing_is_sent(recipe, tmp_path):
    """Somebody in between may take STARTTLS out of what a server offers; here a server without TLS stands for it, which
    would take the key."""
    async with submitting() as served:
        code, _ = await told(recipe, tmp_path, port=served.ports["plain"], key=served.token, trusted=None)
        assert await served.mails() == []
    assert code != 0
