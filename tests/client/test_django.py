"""Django's own mail functions over the backend, against a real server."""

import asyncio
from email.mime.image import MIMEImage
from email.mime.message import MIMEMessage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText

import django.conf
import pytest
from django.core.mail import EmailMessage, EmailMultiAlternatives, get_connection, send_mail
from django.utils.functional import lazystr

from everpost.client import Everpost, Invalid
from everpost.model.message import Address

BACKEND = "everpost.client.django.EmailBackend"
ANN, BOB = "Ann <ann@example.com>", "bob@example.org"

pytestmark = pytest.mark.parametrize("house", [Everpost], indirect=True)


@pytest.fixture(autouse=True)
def settings(house, monkeypatch):
    if not django.conf.settings.configured:
        django.conf.settings.configure()
    held = {"EMAIL_BACKEND": BACKEND, "EVERPOST_URL": house.way.url, "EVERPOST_KEY": house.token}
    for name, value in held.items():
        monkeypatch.setattr(django.conf.settings, name, value, raising=False)


async def sent(*messages, **options):
    return await asyncio.to_thread(lambda: get_connection(BACKEND, **options).send_messages(messages))


async def test_a_plain_mail_goes_by_django_s_own_function(house):
    assert await asyncio.to_thread(send_mail, lazystr("Grüße"), "It works", ANN, [BOB], html_message="<p>It") == 1
    [mail] = await house.mails()
    assert (mail.sender, mail.to) == (Address("ann@example.com", "Ann"), (Address(BOB),))
    assert (mail.subject, mail.text, mail.html) == ("Grüße", "It works", "<p>It")


async def test_all_that_a_message_holds_arrives(house, tmp_path):
    file = tmp_path / "Größe.txt"
    file.write_text("größer")
    message = EmailMultiAlternatives(
        "Grüße ✓",
        "Zażółć",
        ANN,
        ['"Łukasz, Q." <zoe@example.org>', BOB],
        bcc=["dan@example.org"],
        cc=["Cleo <cleo@example.org>"],
        reply_to=["desk@example.com", "Help <help@example.com>"],
        headers={"X-Campaign": "spring"},
    )
    message.attach_alternative('<img src="cid:logo">', "text/html")
    message.attach_file(file)
    message.attach("about", "Über uns", "text/plain")
    message.attach("mail.eml", EmailMessage("Inner", "x", ANN, [BOB]), "message/rfc822")
    image = MIMEImage(b"\x89PNG\0", "png")
    image["Content-ID"] = "<logo>"
    message.attach(image)
    message.everpost = {"tags": ["welcome"], "metadata": {"order": "7"}, "stream": "newsletter"}
    assert await sent(message) == 1
    [mail] = await house.mails()
    assert mail.id == message.everpost_id
    assert mail.to == (Address("zoe@example.org", "Łukasz, Q."), Address(BOB))
    assert (mail.cc, mail.bcc) == ((Address("cleo@example.org", "Cleo"),), (Address("dan@example.org"),))
    assert mail.reply_to == (Address("desk@example.com"), Address("help@example.com", "Help"))
    assert (mail.text, mail.html, mail.headers) == ("Zażółć", '<img src="cid:logo">', {"X-Campaign": "spring"})
    assert (mail.tags, mail.metadata, mail.stream) == (("welcome",), {"order": "7"}, "newsletter")
    files = [(one.filename, one.content_type, one.content_id) for one in mail.attachments]
    assert files == [
        ("Größe.txt", "text/plain", None),
        ("about", "text/plain", None),
        ("mail.eml", "message/rfc822", None),
        ("attachment.png", "image/png", "logo"),
    ]
    contents = [one.content for one in mail.attachments]
    assert (contents[:2], contents[3]) == (["größer".encode(), "Über uns".encode()], b"\x89PNG\0")
    assert b"Subject: Inner" in contents[2]


async def test_a_header_may_name_the_sender_and_whom_answers_go_to(house):
    headers = {"From": "Shop <shop@example.com>", "Reply-To": '"Böb, Q." <q@example.com>, z@example.com'}
    message = EmailMessage("Hello", "<p>It works", "bounces@example.com", [BOB], headers=headers)
    message.content_subtype = "html"
    assert await sent(message) == 1
    [mail] = await house.mails()
    assert (mail.sender, mail.headers) == (Address("shop@example.com", "Shop"), {})
    assert mail.reply_to == (Address("q@example.com", "Böb, Q."), Address("z@example.com"))
    assert (mail.text, mail.html) == (None, "<p>It works")


async def test_many_go_by_one_connection_and_those_to_nobody_do_not(house):
    messages = [EmailMessage(f"Hello {number}", "x", ANN, [BOB]) for number in range(3)]
    assert await sent(*messages, EmailMessage("Nobody", "x", ANN, [])) == 3
    assert [mail.subject for mail in await house.mails()] == ["Hello 0", "Hello 1", "Hello 2"]
    assert await sent() == 0


async def test_what_is_refused_is_raised_unless_it_should_be_silent(house):
    faulty, good = EmailMessage("Hello", "x", ANN, ["bob"]), EmailMessage("Hello", "x", ANN, [BOB])
    with pytest.raises(Invalid, match=r"to\[0\]"):
        await sent(faulty)
    assert await sent(faulty, good, fail_silently=True) == 1
    assert len(await house.mails()) == 1


async def test_a_part_that_holds_a_mail_is_attached_whole_and_one_of_several_parts_is_refused(house):
    inner = MIMEText("Inside")
    message = EmailMessage("Forwarded", "x", ANN, [BOB])
    message.attach(MIMEMessage(inner))
    assert await sent(message) == 1
    [mail] = await house.mails()
    assert [(one.content_type, one.content) for one in mail.attachments] == [("message/rfc822", inner.as_bytes())]
    several = EmailMessage("Signed", "x", ANN, [BOB])
    several.attach(MIMEMultipart("signed", _subparts=[inner, MIMEText("A signature")]))
    with pytest.raises(ValueError, match="multipart/signed; attach what it holds"):
        await sent(several)


async def test_a_header_can_t_be_smuggled_in(house):
    with pytest.raises(Invalid, match="subject"):
        await sent(EmailMessage("Hello\r\nBcc: eve@example.org", "x", ANN, [BOB]))
    assert await house.mails() == []


async def test_an_alternative_that_would_be_lost_is_refused(house):
    message = EmailMultiAlternatives("Hello", "x", ANN, [BOB])
    message.attach_alternative("BEGIN:VCALENDAR", "text/calendar")
    with pytest.raises(ValueError, match="text/calendar; attach it"):
        await sent(message)
    assert await house.mails() == []
