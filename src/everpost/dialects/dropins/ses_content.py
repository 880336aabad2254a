"""The content of a mail at Amazon SES: simple, or made of a template that comes with it.

Such a template is filled in here as far as it only names values; one that is kept at SES, or asks for more of its
language, is passed on to SES alone.
"""

import re
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any, Final

import msgspec
from msgspec import Struct

from everpost.dialects.dropins.reading import attachment
from everpost.dialects.dropins.ses_schema import Content, File, Pair, Simple, Template, TemplateContent
from everpost.dialects.faults import Faults, quoted
from everpost.dialects.fields import check_count, read_headers
from everpost.model import limits
from everpost.model.message import Attachment
from everpost.model.template import TEMPLATE_ID

_VALUE: Final = re.compile(r"\{\{\s{0,9}([A-Za-z_][\w.-]{0,255})\s{0,9}\}\}")
TEMPLATE_DATA_CHARS_MAX: Final = 256 * 1024  # SES's own
_TAG: Final = re.compile(r"[A-Za-z0-9_-]{1,256}")
_DISPOSITIONS: Final = (None, "ATTACHMENT", "INLINE")


class Filled(Struct, frozen=True, kw_only=True):
    """What a template makes of a mail."""

    fields: dict[str, Any]  # of the Draft; of what SES has to fill in, what stands beside it
    options: dict[str, Any] = {}  # set: that SES has to
    name: str | None = None  # by which it may be kept here
    data: dict[str, Any] = {}


def only_one(content: Content, faults: Faults) -> None:
    """Checks that a mail has content in one form."""
    given = [each for each in (content.simple, content.raw, content.template) if each is not None]
    if len(given) != 1:
        faults.add("Content", "must be one of Simple, Raw and Template")


def read_simple(simple: Simple, faults: Faults) -> dict[str, Any]:
    """Fields of a Draft."""
    body = simple.body
    if body.text is None and body.html is None:
        faults.add("Content.Simple.Body", "is empty: give Text, Html or both")
    return {
        "subject": simple.subject.data,
        "text": body.text.data if body.text else None,
        "html": body.html.data if body.html else None,
        "headers": read_pairs(simple.headers or (), "Content.Simple.Headers", faults),
        "attachments": _files(simple.attachments or (), "Content.Simple.Attachments", faults),
    }


def read_template(template: Template, path: str, faults: Faults, more: str | None = None) -> "Filled":
    """`more`: further data, which goes before."""
    data = _data(template.template_data, f"{path}.TemplateData", faults)
    data |= _data(more, f"{path}.TemplateData", faults)
    own, name = template.template_content, template.template_name or template.template_arn
    if own is not None and name:
        faults.add(f"{path}.TemplateContent", "can't be given beside the name of a template")
    elif own is None and not name:
        faults.add(path, "names no template: give TemplateName or TemplateContent")
    beside = {
        "headers": read_pairs(template.headers or (), f"{path}.Headers", faults),
        "attachments": _files(template.attachments or (), f"{path}.Attachments", faults),
    }
    if own is None or _asks_for_more(own):
        given = msgspec.to_builtins(template) | ({"TemplateData": msgspec.json.encode(data).decode()} if data else {})
        is_ours = TEMPLATE_ID.fullmatch(template.template_name or "") is not None and own is None
        name = template.template_name if is_ours else None
        return Filled(fields=beside, options={"Content": {"Template": given}}, name=name, data=data)
    words = {
        "subject": _filled(own.subject or "", data, f"{path}.TemplateContent.Subject", faults),
        "text": own.text and _filled(own.text, data, f"{path}.TemplateContent.Text", faults),
        "html": own.html and _filled(own.html, data, f"{path}.TemplateContent.Html", faults),
    }
    return Filled(fields=beside | words)


def read_pairs(given: Sequence[Pair], path: str, faults: Faults) -> dict[str, str]:
    found = _by_name(given, path, faults)
    return read_headers(found, faults)


def read_tags(given: Sequence[Pair], path: str, faults: Faults) -> dict[str, str]:
    """As metadata, which has names and values, too."""
    for place, each in enumerate(given):
        if not (_TAG.fullmatch(each.name) and _TAG.fullmatch(each.value)):
            faults.add(f"{path}[{place}]", "has names and values of 1 to 256 ASCII letters, digits, _ and -")
    return _by_name(given, path, faults)


def _by_name(given: Sequence[Pair], path: str, faults: Faults) -> dict[str, str]:
    found: dict[str, str] = {}
    for place, each in enumerate(given):
        if each.name in found:
            faults.add(f"{path}[{place}].Name", "is given twice")
        found[each.name] = each.value
    return found


def _files(given: Sequence[File], path: str, faults: Faults) -> tuple[Attachment, ...]:
    if not check_count(len(given), limits.ATTACHMENTS_MAX, path, "attachments", faults):
        return ()
    return tuple(_file(each, f"{path}[{place}]", faults) for place, each in enumerate(given))


def _file(given: File, path: str, faults: Faults) -> Attachment:
    """A content id counts for what is inline only, since the html names such a file by it."""
    is_inline = given.content_disposition == "INLINE"
    if given.content_disposition not in _DISPOSITIONS:
        faults.add(f"{path}.ContentDisposition", "must be one of: ATTACHMENT, INLINE")
    if is_inline and not given.content_id:
        faults.add(f"{path}.ContentId", "is missing: the html names an inline file by it")
    if given.content_description:
        faults.add(f"{path}.ContentDescription", "can't be carried; leave it out")
    content_id = given.content_id if is_inline else None
    return attachment(given.file_name, given.raw_content, given.content_type, content_id, path, faults)


# --- templates -------------------------------------------------------------------------------------------------------


def _data(text: str | None, path: str, faults: Faults) -> dict[str, Any]:
    if not text or not check_count(len(text), TEMPLATE_DATA_CHARS_MAX, path, "characters", faults):
        return {}
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        faults.add(path, f'is no JSON object, such as {{"name": "Ann"}}: {str(error)[:80]}')
        return {}


def _asks_for_more(content: TemplateContent) -> bool:
    """Whether it has more in braces than the names of values."""
    texts = (content.subject, content.text, content.html)
    return any("{{" in _VALUE.sub("", text) for text in texts if text)


def _filled(text: str, data: Mapping[str, Any], path: str, faults: Faults) -> str:
    """As SES fills it in: nothing is escaped, a value that is missing is a fault, and what was put in is not filled in
    again."""
    names = [found[1] for found in islice(_VALUE.finditer(text), limits.JSON_VALUES_MAX + 1)]
    if not check_count(len(names), limits.JSON_VALUES_MAX, path, "values", faults):
        return text
    words = {name: _word(name, data, path, faults) for name in dict.fromkeys(names)}
    size = len(text) + sum(len(words[name]) for name in names)
    if size > limits.CONTENT_BYTES_MAX:
        faults.add(path, f"makes a text of {size} characters, at most {limits.CONTENT_BYTES_MAX} are allowed")
        return text
    return _VALUE.sub(lambda found: words[found[1]], text)


def _word(name: str, data: Mapping[str, Any], path: str, faults: Faults) -> str:
    value: Any = data
    for part in name.split("."):
        value = value.get(part, _Missing) if isinstance(value, Mapping) else _Missing
    if value is _Missing or isinstance(value, dict | list):
        faults.add(path, f"names {quoted(name)}, which is no value in TemplateData")
        return ""
    if isinstance(value, str):
        return value
    return "" if value is None else msgspec.json.encode(value).decode()


class _Missing(Struct):
    """Stands for a value that is not there."""
