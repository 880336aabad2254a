"""SendGrid's v3 Mail Send API as a door: https://www.twilio.com/docs/sendgrid/api-reference/mail-send

Each personalization becomes a mail of its own. Tracking, unsubscribe groups and pools are SendGrid's: a mail that asks
for one goes to SendGrid accounts only, and is refused where there is none. So does one with a template that is not kept
here, or with substitutions for one: those are of templates of another kind.
"""

import re
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from everpost.dialects.answers import Rendered, render_json
from everpost.dialects.contract import Submission
from everpost.dialects.dropins import sendgrid_lists, sendgrid_user
from everpost.dialects.dropins.contract import (
    Asked,
    CancelGroup,
    Dropin,
    NewGroup,
    Row,
    Send,
    Taken,
    Tell,
)
from everpost.dialects.dropins.reading import attachment, check_mail, check_together, key_of, pair, refused
from everpost.dialects.dropins.sendgrid_schema import (
    CANCEL,
    FOREIGN,
    GROUPED,
    MAIL,
    AddressObject,
    AttachmentObject,
    Mail,
    Personalization,
)
from everpost.dialects.dropins.substituting import Effort, Substitution
from everpost.dialects.dropins.templating import drafts_of, templated
from everpost.dialects.faults import Faults, decode
from everpost.dialects.fields import check_count, check_filled, read_headers, read_metadata, read_options, read_tags
from everpost.dialects.times import read_instant
from everpost.model import limits
from everpost.model.key import Scope
from everpost.model.message import Address, Attachment, Draft
from everpost.model.problem import Problem
from everpost.model.template import Templated

NAME: Final = "sendgrid"
_KINDS: Final = ("text/plain", "text/html")
_OF_TEMPLATES: Final = ("template_id", "personalizations")
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*)"')
_ESCAPED: Final = re.compile(r"\\(.)")
_WORDS: Final = {
    401: "The provided authorization grant is invalid, expired, or revoked",
    403: "access forbidden",
}
_STATUSES: Final = {"overloaded": 429}
"""By our code: what differs from ours."""
_READS: Final = ("mail.batch.read", "suppression.read", "user.scheduled_sends.read")
_SENDS: Final = ("mail.batch.create", "mail.send", "user.scheduled_sends.create")
_SCOPES: Final = {
    Scope.READ: _READS,
    Scope.SEND: (*_SENDS, *_READS),
    Scope.ADMIN: (*_SENDS, *_READS, "suppression.create", "suppression.delete"),
}


def parse(submission: Submission) -> Asked | Problem:
    faults = Faults()
    mail = decode(submission.body, MAIL, faults)
    if isinstance(mail, Problem):
        return mail
    groups = mail.personalizations
    if not groups:
        faults.add("personalizations", "is missing: give at least one")
    if not check_count(len(groups), limits.MAILS_MAX, "personalizations", "personalizations", faults):
        return refused(faults, 400)
    sandbox = (mail.mail_settings or {}).get("sandbox_mode") or {}
    asked = Asked(
        mails=tuple(_mails(mail, faults)),
        key=key_of(mail.custom_args or {}, "custom_args", faults),
        group=mail.batch_id,
        is_trial=isinstance(sandbox, dict) and sandbox.get("enable") is True,
    )
    return refused(faults, 400) if faults else asked


def _mails(mail: Mail, faults: Faults) -> list[Draft | Templated]:
    texts = _texts(mail, faults)
    files = _files(mail.attachments or (), faults)
    options = _options(mail, faults)
    if mail.reply_to and mail.reply_to_list:
        faults.add("reply_to_list", "can't be given beside reply_to")
    if mail.batch_id is not None:
        check_filled(mail.batch_id, limits.TAG_CHARS_MAX, "batch_id", faults)
    shared = Draft(
        sender=_address(mail.sender, "from", faults),
        reply_to=_addresses([mail.reply_to] if mail.reply_to else mail.reply_to_list, "reply_to", faults),
        subject=mail.subject or "",
        text=texts.get("text/plain"),
        html=texts.get("text/html"),
        attachments=files,
        tags=read_tags(mail.categories or (), faults),
        provider_options={NAME: options} if options else {},
    )
    mails: list[Draft | Templated] = []
    size, effort = 0, Effort()
    for place, group in enumerate(mail.personalizations):
        draft = _personal(shared, mail, group, (f"personalizations[{place}]", effort), faults)
        size += len(draft.text or "") + len(draft.html or "")
        mails.append(_templated(mail, group, draft))
        if size > limits.MAILS_BYTES_MAX or faults.are_enough:
            break
    check_together(drafts_of(mails), "personalizations", faults)
    return mails


def _templated(mail: Mail, group: Personalization, draft: Draft) -> Draft | Templated:
    if not mail.template_id or group.substitutions:
        return draft
    return templated(draft, _OF_TEMPLATES, mail.template_id, group.dynamic_template_data or {}, yields=True)


def _personal(shared: Draft, mail: Mail, group: Personalization, at: tuple[str, Effort], faults: Faults) -> Draft:
    """What is shared, as this personalization has it. `at`: its path, and what those before it have taken."""
    path, effort = at
    into = Substitution(group.substitutions or {}, f"{path}.substitutions", faults, effort)
    sent_at = mail.send_at if group.send_at is None else group.send_at
    own: dict[str, Any] = {"dynamic_template_data": group.dynamic_template_data} if group.dynamic_template_data else {}
    if mail.template_id and group.substitutions:
        own["substitutions"] = group.substitutions
    options = dict(shared.provider_options)
    if own:
        options[NAME] = options.get(NAME, {}) | {"personalizations": [own]}
    draft = msgspec.structs.replace(
        shared,
        sender=_address(group.sender, f"{path}.from", faults) if group.sender else shared.sender,
        to=_addresses(group.to, f"{path}.to", faults),
        cc=_addresses(group.cc, f"{path}.cc", faults),
        bcc=_addresses(group.bcc, f"{path}.bcc", faults),
        subject=into.text(shared.subject if group.subject is None else group.subject),
        text=shared.text and into.text(shared.text),
        html=shared.html and into.text(shared.html),
        headers=read_headers((mail.headers or {}) | (group.headers or {}), faults),
        metadata=read_metadata((mail.custom_args or {}) | (group.custom_args or {}), faults),
        send_at=read_instant(sent_at, f"{path}.send_at", faults),
        provider_options=read_options(options, faults) if own else options,
    )
    check_mail(draft, faults, to=f"{path}.to")
    return draft


def _texts(mail: Mail, faults: Faults) -> dict[str, str]:
    texts: dict[str, str] = {}
    for place, part in enumerate(mail.content or ()):
        path = f"content[{place}]"
        if part.type not in _KINDS:
            faults.add(f"{path}.type", f"must be one of: {', '.join(_KINDS)}; send other parts as attachments")
        elif part.type in texts:
            faults.add(f"{path}.type", "is given twice")
        elif not part.value:
            faults.add(f"{path}.value", "is empty")
        else:
            texts[part.type] = part.value
    return texts


def _options(mail: Mail, faults: Faults) -> dict[str, Any]:
    """What only SendGrid can do, in its own words."""
    settings = {name: value for name, value in (mail.mail_settings or {}).items() if name != "sandbox_mode"}
    if "bcc" in settings:
        faults.add("mail_settings.bcc", "adds a recipient whom nobody sees here; give it as `bcc` of a personalization")
    given = {name: getattr(mail, name) for name in FOREIGN} | {"mail_settings": settings}
    options = {name: value for name, value in given.items() if value}
    return read_options({NAME: options}, faults).get(NAME, {}) if options else {}


def _address(given: AddressObject, path: str, faults: Faults) -> Address:
    """Its clients put a name with a comma in quotes, which are no part of it."""
    quoted = _QUOTED.fullmatch(given.name or "")
    name = _ESCAPED.sub(r"\1", quoted[1]) if quoted else given.name
    return pair(given.email, name, path, faults)


def _addresses(given: Sequence[AddressObject] | None, path: str, faults: Faults) -> tuple[Address, ...]:
    return tuple(_address(each, f"{path}[{place}]", faults) for place, each in enumerate(given or ()))


def _files(given: Sequence[AttachmentObject], faults: Faults) -> tuple[Attachment, ...]:
    if not check_count(len(given), limits.ATTACHMENTS_MAX, "attachments", "attachments", faults):
        return ()
    return tuple(_file(each, f"attachments[{place}]", faults) for place, each in enumerate(given))


def _file(given: AttachmentObject, path: str, faults: Faults) -> Attachment:
    """As SendGrid does it, a content id counts for what is inline only."""
    is_inline = given.disposition == "inline"
    if given.disposition not in (None, "attachment", "inline"):
        faults.add(f"{path}.disposition", "must be one of: attachment, inline")
    if is_inline and not given.content_id:
        faults.add(f"{path}.content_id", "is missing: the html names an inline file by it")
    return attachment(given.filename, given.content, given.type, given.content_id if is_inline else None, path, faults)


def parse_cancel(submission: Submission) -> str | Problem:
    """The batch that a POST /v3/user/scheduled_sends cancels."""
    faults = Faults()
    asked = decode(submission.body, GROUPED, faults)
    if isinstance(asked, Problem):
        return asked
    check_filled(asked.batch_id, limits.TAG_CHARS_MAX, "batch_id", faults)
    if asked.status != CANCEL:
        faults.add("status", "must be cancel: what is paused could only be cancelled later, or sent too early")
    return refused(faults, 400) if faults else asked.batch_id


def render(asked: Asked, taken: Sequence[Taken | Problem]) -> Rendered:
    """One id for the request, as SendGrid does it: that of its first mail."""
    first = next((each.id for each in taken if isinstance(each, Taken)), None)
    return Rendered(status=200 if asked.is_trial else 202, headers={} if first is None else {"x-message-id": first})


def refuse(problem: Problem) -> Rendered:
    status = _STATUSES.get(problem.code) or (400 if problem.status == 422 else problem.status)
    whole = {"message": _WORDS.get(status) or problem.detail or problem.title, "field": None, "help": None}
    errors = [{"message": each.message, "field": each.field or None, "help": None} for each in problem.errors]
    return render_json(status, {"errors": errors or [whole]})


def _scopes(scope: Scope) -> Rendered:
    return render_json(200, {"scopes": sorted(_SCOPES[scope])})


def _group(group: str) -> Rendered:
    return render_json(201, {"batch_id": group})


def _cancelled(group: str) -> Rendered:
    return render_json(201, {"batch_id": group, "status": CANCEL})


DROPIN: Final = Dropin(
    name=NAME,
    refuse=refuse,
    rows=(
        Row(method="POST", path="/v3/mail/send", scope=Scope.SEND, does=Send(parse, render)),
        Row(method="POST", path="/v3/mail/batch", scope=Scope.SEND, does=NewGroup(_group)),
        Row(
            method="POST", path="/v3/user/scheduled_sends", scope=Scope.SEND, does=CancelGroup(parse_cancel, _cancelled)
        ),
        Row(method="GET", path="/v3/scopes", scope=Scope.READ, does=Tell(_scopes)),
        *sendgrid_user.ROWS,
        *sendgrid_lists.ROWS,
    ),
)
