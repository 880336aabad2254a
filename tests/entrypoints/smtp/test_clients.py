"""Clients as they are: Python's smtplib and aiosmtplib, swaks, and nodemailer for Node."""

import asyncio
import base64
import smtplib
import subprocess
from email.message import EmailMessage

import aiosmtplib
import pytest

import node_kit
from everpost.model.message import Address
from smtp_kit import certified, submitting, trusting
from system_parts import program


def written():
    mail = EmailMessage()
    mail["From"] = "Änn Example <ann@example.com>"
    mail["To"] = '"Doe, Böb" <bob@example.org>'
    mail["Subject"] = "Grüße, " + "ü" * 60
    mail["Message-ID"] = "<1@example.com>"
    mail["X-Everpost-Tags"] = "welcome"
    mail.set_content("Grüße\n.\n..two dots\n" + "long " * 300)
    mail.add_alternative('<p>Grüße <img src="cid:logo">', subtype="html")
    mail.get_payload()[1].add_related(b"\0\1\2", maintype="image", subtype="png", cid="<logo>", filename="lögo.png")
    mail.add_attachment(b"%PDF\n.\n", maintype="application", subtype="pdf", filename="Rechnung für Bob.pdf")
    return mail


def check(mail):
    assert (mail.sender, mail.to) == (
        Address("ann@example.com", "Änn Example"),
        (Address("bob@example.org", "Doe, Böb"),),
    )
    assert (mail.bcc, mail.tags) == ((Address("eve@example.org"),), ("welcome",))
    assert mail.subject == "Grüße, " + "ü" * 60
    assert mail.text == "Grüße\n.\n..two dots\n" + "long " * 300 + "\n"
    assert mail.html == '<p>Grüße <img src="cid:logo">\n'
    files = [(part.filename, part.content_type, part.content, part.content_id) for part in mail.attachments]
    assert files == [
        ("lögo.png", "image/png", b"\0\1\2", "logo"),
        ("Rechnung für Bob.pdf", "application/pdf", b"%PDF\n.\n", None),
    ]


@pytest.mark.parametrize("kind", ["starttls", "tls", "plain"])
async def test_smtplib_sends_everything_that_a_mail_can_hold(kind, tmp_path):
    files = certified(tmp_path)

    def send(port, token):
        context = trusting(files)
        opened = smtplib.SMTP_SSL(port=port, host="127.0.0.1", context=context) if kind == "tls" else None
        with opened or smtplib.SMTP("127.0.0.1", port) as client:
            if kind == "starttls":
                client.starttls(context=context)
            client.login("everpost", token)
            assert client.send_message(written(), to_addrs=["bob@example.org", "eve@example.org"]) == {}

    async with submitting(tls=files) as served:
        await asyncio.to_thread(send, served.ports[kind], served.token)
        [mail] = await served.mails()
    check(mail)


async def test_smtplib_raises_what_its_users_catch():
    def send(port, token):
        with smtplib.SMTP("127.0.0.1", port) as client:
            with pytest.raises(smtplib.SMTPSenderRefused, match="log in first"):
                client.sendmail("ann@example.com", ["bob@example.org"], "Subject: x\n\nx")
            with pytest.raises(smtplib.SMTPAuthenticationError):
                client.login("everpost", "evp_wrong")
            client.login("everpost", token)
            with pytest.raises(smtplib.SMTPDataError, match=r"from: names 0 senders"):
                client.sendmail("ann@example.com", ["bob@example.org"], "Subject: x\n\nx")
            with pytest.raises(smtplib.SMTPRecipientsRefused):
                client.sendmail("ann@example.com", ["bob"], "Subject: x\n\nx")

    async with submitting() as served:
        await asyncio.to_thread(send, served.ports["plain"], served.token)
        assert await served.mails() == []


async def test_an_address_in_another_script_needs_smtputf8_and_gets_it():
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "ann@example.com", "böb@bücher.example.org", "Hello"
    mail.set_content("It works")

    def send(port, token):
        with smtplib.SMTP("127.0.0.1", port) as client:
            client.login("everpost", token)
            assert client.send_message(mail) == {}

    async with submitting() as served:
        await asyncio.to_thread(send, served.ports["plain"], served.token)
        [taken] = await served.mails()
    assert taken.to == (Address("böb@xn--bcher-kva.example.org"),)


@pytest.mark.parametrize(
    ("kind", "options"),
    [("starttls", ["--tls"]), ("tls", ["--tls-on-connect"]), ("plain", ["--auth", "LOGIN"]), ("plain", ["--pipeline"])],
)
async def test_swaks_sends_a_mail(kind, options, tmp_path):
    swaks = program("swaks")
    async with submitting(tls=certified(tmp_path)) as served:
        words = [swaks, "--server", f"127.0.0.1:{served.ports[kind]}", "--auth-user", "everpost", *options]
        words += ["--auth-password", served.token, "--from", "ann@example.com", "--to", "bob@example.org"]
        process = await asyncio.create_subprocess_exec(*words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        told, _ = await process.communicate()
        mails = await served.mails()
    assert (process.returncode, len(mails)) == (0, 1), told.decode()
    assert mails[0].text.startswith("This is a test mailing")


async def swaks_told(served, *options):
    """Its exit status, and what it has said."""
    words = [program("swaks"), "--server", f"127.0.0.1:{served.ports['plain']}", "--from", "ann@example.com", *options]
    process = await asyncio.create_subprocess_exec(*words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    told, _ = await process.communicate()
    return process.returncode, told.decode()


async def test_swaks_sends_files_and_fields_to_all_whom_it_names(tmp_path):
    (tmp_path / "note.txt").write_bytes("Über uns".encode())
    async with submitting() as served:
        login = ["--auth-user", "everpost", "--auth-password", served.token]
        fields = ["--header", "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=", "--add-header", "X-Everpost-Tags: welcome"]
        files = ["--body", "It works", "--attach-type", "text/plain", "--attach", f"@{tmp_path / 'note.txt'}"]
        status, told = await swaks_told(served, *login, "--to", "bob@example.org,eve@example.org", *fields, *files)
        [mail] = await served.mails()
    assert status == 0, told
    assert {each.email for each in mail.recipients} == {"bob@example.org", "eve@example.org"}
    assert (mail.subject, mail.text.strip(), mail.tags) == ("Grüße", "It works", ("welcome",))
    assert [(each.filename, each.content) for each in mail.attachments] == [("note.txt", "Über uns".encode())]


async def test_swaks_ends_as_its_users_expect():
    """Its statuses: a login that fails is 28, a recipient that is refused 24, a mail that is refused 26."""
    async with submitting() as served:
        login = ["--auth-user", "everpost", "--auth-password"]
        wrong_key = await swaks_told(served, *login, "evp_wrong", "--to", "bob@example.org")
        nobody = await swaks_told(served, *login, served.token, "--to", "bob")
        unsigned = await swaks_told(served, *login, served.token, "--to", "bob@example.org", "--data", "X: y\n\nx")
        assert await served.mails() == []
    assert [wrong_key[0], nobody[0], unsigned[0]] == [28, 24, 26]


@pytest.mark.parametrize("kind", ["starttls", "tls", "plain"])
async def test_aiosmtplib_sends_everything_that_a_mail_can_hold(kind, tmp_path):
    files = certified(tmp_path)
    recipients = ["bob@example.org", "eve@example.org"]
    async with submitting(tls=files) as served:
        at = {"hostname": "127.0.0.1", "port": served.ports[kind], "use_tls": kind == "tls"}
        secure = {} if kind == "plain" else {"tls_context": trusting(files)}
        login = {"username": "everpost", "password": served.token}
        refused, told = await aiosmtplib.send(
            written(), recipients=recipients, start_tls=kind == "starttls", **at, **secure, **login
        )
        [mail] = await served.mails()
    assert (refused, mail.id in told) == ({}, True)
    check(mail)


async def test_aiosmtplib_raises_what_its_users_catch():
    plain = EmailMessage()
    plain["Subject"] = "x"
    async with submitting() as served:
        at = {"hostname": "127.0.0.1", "port": served.ports["plain"], "username": "everpost"}
        ours = {"password": served.token, "sender": "ann@example.com"}
        with pytest.raises(aiosmtplib.SMTPAuthenticationError):
            await aiosmtplib.send(written(), password="evp_wrong", **at)
        with pytest.raises(aiosmtplib.SMTPDataError, match=r"from: names 0 senders"):
            await aiosmtplib.send(plain, recipients=["bob@example.org"], **at, **ours)
        with pytest.raises(aiosmtplib.SMTPRecipientsRefused):
            await aiosmtplib.send(written(), recipients=["bob"], **at, **ours)
        assert await served.mails() == []


@pytest.fixture(scope="module")
def nodemailer():
    node_kit.install()
    driver = node_kit.Driver("nodemailer")
    yield driver
    driver.close()


@pytest.mark.parametrize("kind", ["starttls", "tls", "plain"])
async def test_nodemailer_sends_everything_that_a_mail_can_hold(kind, tmp_path, nodemailer):
    mail = {
        "from": "Änn Example <ann@example.com>",
        "to": [{"name": "Doe, Böb", "address": "bob@example.org"}],
        "bcc": "eve@example.org",
        "subject": "Grüße, " + "ü" * 60,
        "text": "Grüße\n.\n..two dots\n" + "long " * 300 + "\n",
        "html": '<p>Grüße <img src="cid:logo">\n',
        "headers": {"X-Everpost-Tags": "welcome"},
        "attachments": [
            {
                "filename": "lögo.png",
                "content": base64.b64encode(b"\0\1\2").decode(),
                "encoding": "base64",
                "cid": "logo",
            },
            {"filename": "Rechnung für Bob.pdf", "content": "%PDF\n.\n"},
        ],
    }
    async with submitting(tls=certified(tmp_path)) as served:
        at = {"port": served.ports[kind], "is_tls": kind == "tls", "is_plain": kind == "plain", "mail": mail}
        sent = await asyncio.to_thread(nodemailer.ask, "send", at, url="127.0.0.1", key=served.token)
        [taken] = await served.mails()
    assert (sent["accepted"], taken.id in sent["response"]) == (["bob@example.org", "eve@example.org"], True)
    check(taken)


async def test_nodemailer_throws_what_its_users_catch(nodemailer):
    mail = {"from": "ann@example.com", "to": "bob@example.org", "subject": "Hello", "text": "It works"}
    async with submitting() as served:

        async def refusal(key=served.token, **change):
            at = {"port": served.ports["plain"], "is_tls": False, "is_plain": True, "mail": mail | change}
            with pytest.raises(node_kit.Refused) as caught:
                await asyncio.to_thread(nodemailer.ask, "send", at, url="127.0.0.1", key=key)
            return caught.value.seen["code"], caught.value.seen["responseCode"]

        assert await refusal("evp_wrong") == ("EAUTH", 535)
        assert await refusal(to="bob@nowhere..") == ("EENVELOPE", 553)
        assert await refusal(attachments=[{"raw": "Content-Type: multipart/signed; boundary=x\r\n\r\n--x--"}]) == (
            "EMESSAGE",
            554,
        )
        assert await served.mails() == []
