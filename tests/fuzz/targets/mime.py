"""Mail in RFC 5322 form: whatever comes is read or refused; and what was read is written as exactly that.

The input is a mail.
"""

from collections import Counter
from email import message_from_bytes

from msgspec.structs import replace

from everpost.dialects import mime
from everpost.dialects.contract import Parsed
from everpost.model.message import Draft
from everpost.model.problem import Problem
from everpost.providers.mime import mime_fault, render_mime

ID = "em_01jzzzzzzzzzzzzzzzzzzzzzzz.0"
STRUCTURE = Counter({"from": 1, "subject": 1, "message-id": 1, "x-everpost-id": 1, "mime-version": 1})


def check(data):
    parsed = mime.parse(data, ["bob@example.org"])
    if isinstance(parsed, Problem):
        assert parsed.status == 400
        assert parsed.errors
        return
    assert isinstance(parsed, Parsed)
    if mime_fault(parsed.draft) is None:
        check_written(parsed.draft)


def check_written(draft: Draft):
    """A mail without fault, written: no header that was not asked for, and read back as it is."""
    written = render_mime(draft, ID)
    assert written.isascii()
    lines = written.split(b"\r\n")
    assert not any(b"\r" in line or b"\n" in line or len(line) > 998 for line in lines)
    assert names_of(written) == expected_names(draft)
    assert Counter(name.lower() for name in message_from_bytes(written)) - content_names(draft) == expected_names(draft)
    again = mime.parse(written, [address.email for address in draft.recipients])
    assert isinstance(again, Parsed), again
    for name in ("sender", "reply_to", "subject"):
        assert getattr(again.draft, name) == getattr(canonical(draft), name), name
    assert headers_of(again.draft) == headers_of(draft)
    assert [part.content for part in again.draft.attachments] == [part.content for part in in_order(draft)]


def names_of(written):
    """The header fields by our own, strict reading: a line that does not start with a blank starts a field."""
    head = written.partition(b"\r\n\r\n")[0].split(b"\r\n")
    names = [line.partition(b":")[0].decode().lower() for line in head if line[:1] not in (b" ", b"\t")]
    return Counter(name for name in names if not name.startswith("content-"))


def content_names(draft):
    return Counter({"content-type": 1, "content-transfer-encoding": 1, "content-disposition": 1, "content-id": 1})


def expected_names(draft):
    own = Counter(name.lower() for name in draft.headers if name.lower() != "message-id")
    optional = {"to": draft.to, "cc": [each for each in draft.cc if not shown_before(each, draft.to)]}
    optional["reply-to"] = draft.reply_to
    return STRUCTURE + own + Counter({name: 1 for name, found in optional.items() if found})


def shown_before(address, others):
    return address.email.lower() in {other.email.lower() for other in others}


def in_order(draft):
    inline = [part for part in draft.attachments if draft.html is not None and part.content_id is not None]
    return inline + [part for part in draft.attachments if part not in inline]


def canonical(draft):
    """What may differ for a reader without the mail being another one."""
    return replace(draft, reply_to=tuple(dict.fromkeys(draft.reply_to)))


def headers_of(draft):
    return Counter((name.lower(), value) for name, value in draft.headers.items())
