"""A whole mail that comes to Mailgun (`messages.mime`): it goes out byte for byte where an account takes it so, and is
else written anew of all that was read of it.
https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/messages/post-v3--domain-name--messages-mime

`to` is the envelope: who stands in the mail alone does not get it. Beside it stand what Mailgun's other form has, too:
tags, variables and a time; nothing that would change the mail.
"""

import hashlib
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from everpost.dialects.contract import Submission
from everpost.dialects.dropins.contract import Asked
from everpost.dialects.dropins.mailgun_form import delivery_time, form_of, named
from everpost.dialects.dropins.reading import comma_separated, key_of, refused
from everpost.dialects.faults import Faults, unknown
from everpost.dialects.fields import check_count, read_metadata, read_tags
from everpost.dialects.forms import Form
from everpost.dialects.mime_forms import Stamp, forms_of
from everpost.dialects.mime_orders import read_orders, without_orders
from everpost.dialects.mime_parts import take_apart
from everpost.dialects.mime_words import Unreadable
from everpost.model import limits
from everpost.model.message import Address
from everpost.model.problem import Problem

NAME: Final = "message"
_KNOWN: Final = ("to", "o:tag", "o:deliverytime")
_ORDER: Final = "x-mailgun-"
_AS_IT_IS: Final = Stamp(at=None, name=None)
"""Nothing is added to a mail that says neither when it was written nor which one it is: sent again it would be another
one. So it can't go out as it stands; written anew, it gets both."""


def parse(submission: Submission) -> Asked | Problem:
    form = form_of(submission)
    if isinstance(form, Problem):
        return form
    faults = Faults()
    _check_names(form, faults)
    to = _envelope(form, faults)
    beside = _beside(form, faults)
    whole = _whole(form, faults)
    if faults:
        return refused(faults, 400)
    return _asked(whole, to, beside)


def _check_names(form: Form, faults: Faults) -> None:
    for name in (*form.fields, *(file.field for file in form.files)):
        if name not in (*_KNOWN, NAME) and not name.startswith("v:"):
            words = "stands in the mail itself" if name.startswith("h:") else unknown(name, (*_KNOWN, NAME))
            faults.add(name[:80], words)


def _envelope(form: Form, faults: Faults) -> list[Address]:
    """Each of them once."""
    texts = form.all("to")
    if not check_count(len(texts), limits.RECIPIENTS_MAX, "to", "addresses", faults):
        return []
    found = {each.email.lower(): each for text in texts for each in comma_separated(text, "to", faults)}
    if not found and not faults:
        faults.add("to", "is missing: give at least one address")
    check_count(len(found), limits.RECIPIENTS_MAX, "to", "recipients", faults)
    return [*found.values()]


def _beside(form: Form, faults: Faults) -> dict[str, Any]:
    """What is said of the mail, and not in it."""
    return {
        "tags": read_tags(form.all("o:tag"), faults),
        "metadata": read_metadata(named(form, "v:", faults), faults),
        "send_at": delivery_time(form, faults),
    }


def _whole(form: Form, faults: Faults) -> bytes:
    """Each line ended by CRLF. As many libraries write mails, they end by LF alone."""
    given = [file.content for file in form.files if file.field == NAME] + [text.encode() for text in form.all(NAME)]
    if len(given) != 1:
        faults.add(NAME, "give the mail as one file")
        return b""
    data = given[0] if b"\r" in given[0] else given[0].replace(b"\n", b"\r\n")
    if not data.count(b"\r\n") == data.count(b"\r") == data.count(b"\n"):
        faults.add(NAME, "has a CR or LF that stands alone beside others, and readers differ in what it means")
    return data if data.endswith(b"\r\n") else data + b"\r\n"


def _asked(whole: bytes, to: Sequence[Address], beside: dict[str, Any]) -> Asked | Problem:
    faults = Faults()
    try:
        part = take_apart(whole)
    except Unreadable as unreadable:
        faults.add(NAME, str(unreadable))
        return refused(faults, 400)
    for name, _ in part.fields:
        if name.lower().startswith(_ORDER):
            faults.add(name[:80], "is an order to Mailgun; give what it asks for as a field of the form")
    orders = read_orders(part, faults)
    key = key_of(beside["metadata"], "v", faults) or orders.idempotency_key
    if faults:
        return refused(faults, 400)
    given = {name: value for name, value in beside.items() if value}
    forms = forms_of(whole, without_orders(part), orders, to, _AS_IT_IS)
    drafts = tuple(replace(draft, **given) for draft in forms.drafts)
    if not drafts:
        return replace(forms.unread, status=400) if forms.unread is not None else refused(faults, 400)
    known_by = b"\0".join([whole, *(each.email.encode() for each in to), msgspec.json.encode(beside)])
    return Asked(
        mails=drafts[:1],
        forms=drafts,
        unread=forms.unread,
        key=key,
        known_by=hashlib.sha256(known_by).digest(),
        echo=drafts[-1].sender,
    )
