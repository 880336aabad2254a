"""Mailgun's v3 Messages API as a door:
https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/messages

The domain of the path says nothing here: accounts have theirs. Options and Mailgun's own variables are Mailgun's: a
mail that has one goes to Mailgun accounts only, and is refused where there is none; so does one with a template that is
not kept here.
"""

import re
from collections.abc import Sequence
from itertools import chain
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from everpost.dialects.answers import Rendered, render_json
from everpost.dialects.contract import Submission
from everpost.dialects.dropins import mailgun_domains, mailgun_events, mailgun_lists, mailgun_whole
from everpost.dialects.dropins.contract import Asked, Dropin, Row, Send, Taken
from everpost.dialects.dropins.mailgun_form import delivery_time, form_of, named
from everpost.dialects.dropins.mailgun_templates import Wanted, read_wanted
from everpost.dialects.dropins.reading import (
    NOBODY,
    attachment,
    check_mail,
    check_together,
    comma_separated,
    first_words,
    key_of,
    refused,
)
from everpost.dialects.dropins.substituting import Effort, Substitution
from everpost.dialects.faults import Faults, unknown
from everpost.dialects.fields import check_count, read_headers, read_metadata, read_options, read_tags
from everpost.dialects.forms import File, Form
from everpost.dialects.notices.facts import message_id_of
from everpost.model import limits
from everpost.model.key import Scope
from everpost.model.message import Address, Attachment, Draft
from everpost.model.problem import Problem
from everpost.model.template import Templated

NAME: Final = "mailgun"
_OWN: Final = ("from", "to", "cc", "bcc", "subject", "text", "html", "o:tag", "o:deliverytime", "recipient-variables")
_FOREIGN: Final = ("template", "amp-html")
_FOREIGN_PREFIXES: Final = ("o:", "t:")
_KNOWN: Final = frozenset((*_OWN, *_FOREIGN))
_PREFIXES: Final = (*_FOREIGN_PREFIXES, "h:", "v:")
_FILES: Final = ("attachment", "inline")
_MESSAGE_ID: Final = "Message-ID"
_LEFT_AT_RIGHT: Final = re.compile(r"<[!-;=?-~]+@[!-;=?-~]+>")
_FOREIGN_WORDS: Final = re.compile(r"%(recipient|unsubscribe|tag_unsubscribe|mailing_list)[\w.]*%")
"""Variables that only Mailgun fills in."""
_STATUSES: Final = {"overloaded": 429}
"""By our code: what differs from ours."""
Personal = list[tuple[Draft, Substitution | None]]
"""Mails, each with the words of its recipient."""
_VARIABLES: Final = msgspec.json.Decoder(dict[str, dict[str, str | int | float | bool | None]])


# --- requests --------------------------------------------------------------------------------------------------------


def parse(submission: Submission) -> Asked | Problem:
    form = form_of(submission)
    if isinstance(form, Problem):
        return form
    faults = Faults()
    _check_names(form, faults)
    shared = _shared(form, faults)
    key = key_of(shared.metadata, "v", faults)
    variables = form.last("recipient-variables")
    wanted = read_wanted(form, shared, faults)
    personal: Personal = [(shared, None)] if variables is None else _personal(shared, variables, faults)
    for mail, _ in personal:
        check_mail(mail, faults)
        _check_message_id(mail, faults)
    check_together([mail for mail, _ in personal], "recipient-variables", faults)
    mails = tuple(_pinned(mail) if wanted is None else _templated(wanted, mail, into) for mail, into in personal)
    return refused(faults, 400) if faults else Asked(mails=mails, key=key, echo=shared.sender)


def _check_names(form: Form, faults: Faults) -> None:
    for name in form.fields:
        if name not in _KNOWN and not name.startswith(_PREFIXES):
            faults.add(name[:80], unknown(name, (*_OWN, *_FOREIGN, *_FILES)))
    for file in form.files:
        if file.field not in _FILES:
            faults.add(file.field[:80], f"files are given as {' or '.join(_FILES)}")


def _shared(form: Form, faults: Faults) -> Draft:
    headers = named(form, "h:", faults)
    answers = next((headers.pop(name) for name in [*headers] if name.lower() == "reply-to"), None)
    return Draft(
        sender=_sender(form, faults),
        to=_addresses(form, "to", faults),
        cc=_addresses(form, "cc", faults),
        bcc=_addresses(form, "bcc", faults),
        reply_to=comma_separated(answers, "h:Reply-To", faults),
        subject=form.last("subject") or "",
        text=form.last("text") or None,
        html=form.last("html") or None,
        attachments=_attachments(form.files, faults),
        headers=_headers(headers, faults),
        tags=read_tags(form.all("o:tag"), faults),
        metadata=read_metadata(named(form, "v:", faults), faults),
        send_at=delivery_time(form, faults),
        provider_options=_options(form, faults),
    )


def _headers(given: dict[str, str], faults: Faults) -> dict[str, str]:
    """As at Mailgun, a Message-Id may be among them: Ghost gives each recipient one."""
    names = [name for name in given if name.lower() == _MESSAGE_ID.lower()]
    if len(names) > 1:
        faults.add("h:Message-Id", "is given twice, in different letter case")
    found = read_headers({name: value for name, value in given.items() if name not in names}, faults)
    for name in names:
        found[_MESSAGE_ID] = given[name]
    return found


def _check_message_id(mail: Draft, faults: Faults) -> None:
    own = mail.headers.get(_MESSAGE_ID)
    if own is not None and not (len(own) <= limits.HEADER_VALUE_CHARS_MAX and _LEFT_AT_RIGHT.fullmatch(own)):
        faults.add("h:Message-Id", "is not of the form <left@right>")


def _sender(form: Form, faults: Faults) -> Address:
    texts = form.all("from")
    found = comma_separated(texts[0], "from", faults) if len(texts) == 1 else ()
    if len(found) != 1:
        faults.add("from", "give one address")
        return NOBODY
    return found[0]


def _addresses(form: Form, name: str, faults: Faults) -> tuple[Address, ...]:
    texts = form.all(name)
    if not check_count(len(texts), limits.RECIPIENTS_MAX, name, "addresses", faults):
        return ()
    if len(texts) == 1:
        return comma_separated(texts[0], name, faults)
    return tuple(chain.from_iterable(comma_separated(text, name, faults) for text in texts))


def _attachments(files: Sequence[File], faults: Faults) -> tuple[Attachment, ...]:
    if not check_count(len(files), limits.ATTACHMENTS_MAX, "attachment", "files", faults):
        return ()
    return tuple(
        attachment(
            file.filename,
            file.content,
            file.content_type,
            file.filename if file.field == "inline" else None,
            f"{file.field}[{place}]",
            faults,
        )
        for place, file in enumerate(files)
    )


def _options(form: Form, faults: Faults) -> dict[str, dict[str, Any]]:
    """What only Mailgun can do, in its own words."""
    names = [name for name in form.fields if name not in _OWN]
    foreign = [name for name in names if name in _FOREIGN or name.startswith(_FOREIGN_PREFIXES)]
    options = {name: form.all(name) for name in foreign}
    return read_options({NAME: options}, faults) if options else {}


def _personal(shared: Draft, variables: str, faults: Faults) -> Personal:
    """With recipient variables nobody sees the others: each recipient gets a mail of its own."""
    path = "recipient-variables"
    try:
        known = _VARIABLES.decode(variables)
    except (msgspec.DecodeError, ValueError, RecursionError) as refusal:
        faults.add(path, f"is no JSON object of an object for each address: {refusal}")
        return []
    if shared.cc or shared.bcc:
        faults.add("cc" if shared.cc else "bcc", "would get a copy of each recipient's mail; leave it out")
    mails: Personal = []
    size, effort = 0, Effort()
    for address in shared.to:
        own = {f"%recipient.{name}%": _text(value) for name, value in known.get(address.email, {}).items()}
        into = Substitution({"%recipient%": str(address), **own}, path, faults, effort)
        mail = replace(
            shared,
            to=(address,),
            subject=into.text(shared.subject),
            text=shared.text and into.text(shared.text),
            html=shared.html and into.text(shared.html),
            headers=_headers({name: into.text(value) for name, value in shared.headers.items()}, faults),
            metadata=read_metadata({name: into.text(value) for name, value in shared.metadata.items()}, faults),
        )
        size += len(mail.text or "") + len(mail.html or "")
        mails.append((mail, into))
        if size > limits.MAILS_BYTES_MAX or faults.are_enough:
            break
    return mails


def _text(value: Any) -> str:
    """As JSON writes it; a string without its quotes."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _templated(wanted: Wanted, mail: Draft, into: Substitution | None) -> Templated:
    found = wanted.of(mail, into)
    return replace(found, draft=_pinned(found.draft))


def _pinned(mail: Draft) -> Draft:
    """To Mailgun, if something is left that only Mailgun fills in."""
    words = (mail.subject, mail.text or "", mail.html or "", *mail.headers.values(), *mail.metadata.values())
    if mail.provider_options or not any(map(_FOREIGN_WORDS.search, words)):
        return mail
    return replace(mail, provider_options={NAME: {}})


# --- answers ---------------------------------------------------------------------------------------------------------


def render(asked: Asked, taken: Sequence[Taken | Problem]) -> Rendered:
    """One id for the request: that of its first mail."""
    first = next(each.id for each in taken if isinstance(each, Taken))
    return render_json(200, {"id": f"<{message_id_of(first, asked.echo.email)}>", "message": "Queued. Thank you."})


def refuse(problem: Problem) -> Rendered:
    """Mailgun names one fault at a time, and its 401 is no JSON."""
    if problem.status == 401:
        return Rendered(status=401, headers={"content-type": "text/plain; charset=utf-8"}, body=b"Forbidden")
    status = _STATUSES.get(problem.code) or (400 if problem.status == 422 else problem.status)
    return render_json(status, {"message": first_words(problem)})


DROPIN: Final = Dropin(
    name=NAME,
    refuse=refuse,
    rows=(
        Row(method="POST", path="/v3/{domain}/messages", scope=Scope.SEND, does=Send(parse, render)),
        Row(method="POST", path="/v3/{domain}/messages.mime", scope=Scope.SEND, does=Send(mailgun_whole.parse, render)),
        *mailgun_events.ROWS,
        *mailgun_lists.ROWS,
        *mailgun_domains.ROWS,
    ),
)
