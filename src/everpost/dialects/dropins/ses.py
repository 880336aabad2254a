"""Amazon SES v2 as a door: https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html

The access key id is the API key. The signature is not looked at: whoever can read the request has the key, and so could
sign another. Templates that SES keeps, configuration sets and the like are SES's: a mail that names one goes to SES
accounts only, and is refused where there is none. Tags become metadata, which has names and values, too.
"""

import re
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from everpost.dialects.addresses import parse_encoded_list
from everpost.dialects.answers import Rendered, render_json
from everpost.dialects.contract import Submission
from everpost.dialects.dropins import ses_lists
from everpost.dialects.dropins.contract import Asked, Dropin, Row, Send, Taken
from everpost.dialects.dropins.reading import NOBODY, check_mail, check_together, first_words, refused, sound
from everpost.dialects.dropins.ses_content import Filled, only_one, read_simple, read_tags, read_template
from everpost.dialects.dropins.ses_errors import refuse, status_of
from everpost.dialects.dropins.ses_schema import (
    BULK,
    EMAIL,
    FOREIGN,
    Bulk,
    Destination,
    Email,
    Entry,
    Envelope,
    Pair,
    Template,
)
from everpost.dialects.dropins.ses_whole import read_whole, stamp_of
from everpost.dialects.faults import Faults, decode
from everpost.dialects.fields import check_count, read_metadata, read_options
from everpost.dialects.mime_words import Unreadable, decode_words
from everpost.model import limits
from everpost.model.key import Scope
from everpost.model.message import Address, Draft, size_bytes
from everpost.model.problem import Problem
from everpost.model.template import Templated

NAME: Final = "ses"
TO: Final = "Destination.ToAddresses"
BULK_MAX: Final = 50
INVOCATION: Final = "amz-sdk-invocation-id"
"""What SDKs of AWS send: one name for all tries of a call."""
_INVOCATION: Final = re.compile(r"[0-9A-Za-z-]{16,64}")
_SIGNED: Final = re.compile(r"AWS4-HMAC-SHA256 +Credential=([^/, ]+)/[^, ]+/aws4_request,")


def read_key(authorization: str) -> str | None:
    found = _SIGNED.match(authorization)
    return found[1] if found else None


# --- one mail --------------------------------------------------------------------------------------------------------


def parse(submission: Submission) -> Asked | Problem:
    faults = Faults()
    email = decode(submission.body, EMAIL, faults)
    if isinstance(email, Problem):
        return email
    only_one(email.content, faults)
    if not faults:
        asked = _whole(email, submission, faults) if email.content.raw else _made(email, submission, faults)
        if asked is not None and not faults:
            return asked
    return refused(faults, 400)


def _made(email: Email, submission: Submission, faults: Faults) -> Asked:
    """Of a content that is simple, or a template."""
    shared = _shared(email, read_tags(email.email_tags or (), "EmailTags", faults), faults)
    destination, content = _destination(email.destination, "Destination", faults), email.content
    if content.template is not None:
        filled = read_template(content.template, "Content.Template", faults)
    else:
        filled = Filled(fields=read_simple(content.simple, faults) if content.simple else {})
    mail = _filled(replace(shared, **destination), filled, faults)
    return Asked(mails=(mail,), key=_name_of(submission))


def _filled(shared: Draft, filled: Filled, faults: Faults) -> Draft | Templated:
    """The mail with its words; of a template by name, whoever keeps that: it is looked for here first."""
    if not filled.options:
        mail = replace(shared, **filled.fields)
        check_mail(replace(mail, provider_options={}), faults, to=TO)  # what is passed on holds no words
        return mail
    options = shared.provider_options.get(NAME, {}) | filled.options
    there = replace(shared, provider_options=read_options({NAME: options}, faults))
    here = replace(shared, **filled.fields)
    check_mail(replace(here, provider_options=there.provider_options), faults, to=TO)
    if filled.name is None:
        return there
    return Templated(draft=here, template=filled.name, data=filled.data, elsewhere=there)


def _whole(email: Email, submission: Submission, faults: Faults) -> Asked | None:
    """Of a content that is a mail of its own. Its own fields say who it is from and where answers go."""
    name = _name_of(submission)
    metadata = read_metadata(read_tags(email.email_tags or (), "EmailTags", faults), faults)
    options = _options(email, faults)
    if email.reply_to_addresses:
        faults.add("ReplyToAddresses", "can't be given beside Raw: write Reply-To into the mail")
    envelope = {
        each.email.lower(): each
        for group in _destination(email.destination, "Destination", faults).values()
        for each in group
    }
    check_count(len(envelope), limits.RECIPIENTS_MAX, "Destination", "recipients", faults)
    stamp = stamp_of(submission.headers.get("x-amz-date", ""), name)
    raw = email.content.raw
    read = None if raw is None else read_whole(raw.data, [*envelope.values()], stamp, faults)
    if read is None:
        return None
    forms, orders = read
    if not forms.drafts:
        for error in forms.unread.errors if forms.unread is not None else ():
            faults.add(error.field, error.message)
        return None
    drafts = [replace(each, metadata=each.metadata | metadata, provider_options=options) for each in forms.drafts]
    _check_sender(email, drafts[0].sender, faults)
    return Asked(
        mails=(drafts[0],),
        forms=tuple(drafts),
        unread=forms.unread,
        known_by=submission.body,
        key=orders.idempotency_key or name,
    )


def _check_sender(email: Email, sender: Address, faults: Faults) -> None:
    if email.from_email_address and _one(email.from_email_address, "FromEmailAddress", faults).email != sender.email:
        faults.add("FromEmailAddress", f"differs from {sender.email}, whom the mail itself says that it is from")


def _name_of(submission: Submission) -> str | None:
    name = submission.headers.get(INVOCATION, "")
    return name if _INVOCATION.fullmatch(name) else None


# --- many ------------------------------------------------------------------------------------------------------------


def parse_bulk(submission: Submission) -> Asked | Problem:
    """Each entry has an answer of its own."""
    faults = Faults()
    bulk = decode(submission.body, BULK, faults)
    if isinstance(bulk, Problem):
        return bulk
    entries = bulk.bulk_email_entries
    if not entries:
        faults.add("BulkEmailEntries", "is empty: give at least one")
    check_count(len(entries), BULK_MAX, "BulkEmailEntries", "entries", faults)
    shared = _shared(bulk, {}, faults)
    if faults:
        return refused(faults, 400)
    mails: list[Draft | Templated | Problem] = []
    size = 0
    for place, entry in enumerate(entries):
        mail = _entry(bulk, entry, shared, f"BulkEmailEntries[{place}]")
        size += 0 if isinstance(mail, Problem) else size_bytes(_draft(mail))
        mails.append(mail)
        if size > limits.MAILS_BYTES_MAX:
            break
    drafts = [_draft(mail) for mail in mails if not isinstance(mail, Problem)]
    check_together(drafts, "BulkEmailEntries", faults)
    return refused(faults, 400) if faults else Asked(mails=tuple(mails), is_whole=False, key=_name_of(submission))


def _draft(mail: Draft | Templated) -> Draft:
    return mail.draft if isinstance(mail, Templated) else mail


def _entry(bulk: Bulk, entry: Entry, shared: Draft, path: str) -> Draft | Templated | Problem:
    faults = Faults()
    tags = read_tags(bulk.default_email_tags or (), "DefaultEmailTags", faults)
    tags |= read_tags(entry.replacement_tags or (), f"{path}.ReplacementTags", faults)
    replacement = entry.replacement_email_content and entry.replacement_email_content.replacement_template
    own = replacement.replacement_template_data if replacement else None
    template = _with_headers(bulk.default_content.template, entry.replacement_headers or ())
    filled = read_template(template, "DefaultContent.Template", faults, own)
    destination = _destination(entry.destination, f"{path}.Destination", faults)
    mail = _filled(replace(shared, **destination, metadata=read_metadata(tags, faults)), filled, faults)
    return refused(faults, 400) if faults else mail


def _with_headers(template: Template, own: Sequence[Pair]) -> Template:
    """Headers of an entry stand before those of the same name that all have."""
    names = {each.name.lower() for each in own}
    headers = [*(each for each in template.headers or () if each.name.lower() not in names), *own]
    return replace(template, headers=headers or None)


# --- what both have --------------------------------------------------------------------------------------------------


def _shared(given: Envelope, tags: dict[str, str], faults: Faults) -> Draft:
    if not given.from_email_address:
        faults.add("FromEmailAddress", "is missing")
    options = _options(given, faults)
    return Draft(
        sender=_one(given.from_email_address, "FromEmailAddress", faults) if given.from_email_address else NOBODY,
        reply_to=_addresses(given.reply_to_addresses, "ReplyToAddresses", faults),
        metadata=read_metadata(tags, faults),
        provider_options=options,
    )


def _options(given: Envelope, faults: Faults) -> dict[str, dict[str, Any]]:
    """What only SES can do, in its own words."""
    whole = msgspec.to_builtins(given)
    options = {name: whole[name] for name in FOREIGN if whole.get(name)}
    return read_options({NAME: options}, faults) if options else {}


def _destination(given: Destination | None, path: str, faults: Faults) -> dict[str, tuple[Address, ...]]:
    if given is None:
        return {}
    return {
        "to": _addresses(given.to_addresses, f"{path}.ToAddresses", faults),
        "cc": _addresses(given.cc_addresses, f"{path}.CcAddresses", faults),
        "bcc": _addresses(given.bcc_addresses, f"{path}.BccAddresses", faults),
    }


def _addresses(given: Sequence[str] | None, path: str, faults: Faults) -> tuple[Address, ...]:
    if not check_count(len(given or ()), limits.RECIPIENTS_MAX, path, "addresses", faults):
        return ()
    return tuple(_one(each, f"{path}[{place}]", faults) for place, each in enumerate(given or ()))


def _one(text: str, path: str, faults: Faults) -> Address:
    """Its name may be in encoded-words, as SES asks for it, or as it is."""
    try:
        found = parse_encoded_list(text, decode_words)
    except Unreadable as unreadable:
        found = [str(unreadable)]
    return sound(found[0] if len(found) == 1 else f"names {len(found)} addresses; give one", path, faults)


# --- answers ---------------------------------------------------------------------------------------------------------


def render(_asked: Asked, taken: Sequence[Taken | Problem]) -> Rendered:
    return render_json(200, {"MessageId": next(each.id for each in taken if isinstance(each, Taken))})


def render_bulk(_asked: Asked, taken: Sequence[Taken | Problem]) -> Rendered:
    return render_json(200, {"BulkEmailEntryResults": [_told(each) for each in taken]})


def _told(taken: Taken | Problem) -> dict[str, str]:
    if isinstance(taken, Problem):
        return {"Status": status_of(taken), "Error": first_words(taken)}
    return {"Status": "SUCCESS", "MessageId": taken.id}


DROPIN: Final = Dropin(
    name=NAME,
    refuse=refuse,
    read_key=read_key,
    id_header=b"x-amzn-requestid",
    rows=(
        Row(method="POST", path="/v2/email/outbound-emails", scope=Scope.SEND, does=Send(parse, render)),
        Row(method="POST", path="/v2/email/outbound-bulk-emails", scope=Scope.SEND, does=Send(parse_bulk, render_bulk)),
        *ses_lists.ROWS,
    ),
)
