"""From a template and a mail's data to the mail's words."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from everpost.core.templating.faults import TemplateFault
from everpost.core.templating.parsing import parse
from everpost.core.templating.rendering import Budget, render
from everpost.core.templating.tree import Nodes
from everpost.model.limits import CONTENT_BYTES_MAX, SUBJECT_CHARS_MAX
from everpost.model.message import Draft, size_bytes
from everpost.model.problem import FieldError
from everpost.model.template import Template, Templated

PARTS: Final = ("subject", "text", "html")
_BREAKS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
"""What may stand in no header: a value with a line break would begin another one."""


class Words(Struct, frozen=True):
    """What a template has become. None: it has no such part."""

    subject: str | None
    text: str | None
    html: str | None


class Compiled(Struct, frozen=True):
    """A template that has been read."""

    template: Template
    parts: Mapping[str, Nodes]  # those that it has


def compiled(template: Template) -> Compiled | tuple[FieldError, ...]:
    """Ready to be filled in, or what is wrong with each part."""
    parts, errors = dict[str, Nodes](), []
    for name in PARTS:
        source = getattr(template, name)
        if source is None:
            continue
        try:
            parts[name] = parse(source)
        except TemplateFault as fault:
            errors.append(FieldError(name, str(fault)))
    return tuple(errors) or Compiled(template, parts)


def words(ready: Compiled, data: Mapping[str, Any]) -> Words | FieldError:
    """The template filled in, all of it within one budget."""
    template, budget = ready.template, Budget()
    whole = {**template.defaults, **data}
    written: dict[str, str | None] = dict.fromkeys(PARTS)
    for name, nodes in ready.parts.items():
        try:
            written[name] = render(nodes, whole, budget, escapes=name == "html", strict=template.strict)
        except TemplateFault as fault:
            return FieldError("template", f"{template.id}, {name}, {fault}")
    return Words(**written)


def fill(ready: Compiled, mail: Templated) -> Draft | tuple[FieldError, ...]:
    """The mail with its words. What the template has not is the mail's own; its subject is so in any case."""
    found = words(ready, mail.data)
    if isinstance(found, FieldError):
        return (found,)
    draft = replace(
        mail.draft,
        subject=mail.draft.subject or found.subject or mail.subject,
        text=found.text or mail.draft.text,
        html=found.html or mail.draft.html,
    )
    return tuple(_faults(draft)) or draft


def _faults(draft: Draft) -> Iterator[FieldError]:
    """What holds of every mail, and no look at the request could tell."""
    if not draft.subject:
        yield FieldError("subject", "is missing: neither the request nor the template gives one")
    elif _BREAKS.search(draft.subject):
        yield FieldError("subject", "contains a control character (CR, LF and NUL are some), which the data brought")
    elif len(draft.subject) > SUBJECT_CHARS_MAX:
        size = len(draft.subject)
        yield FieldError("subject", f"has {size} characters, at most {SUBJECT_CHARS_MAX} are allowed")
    if not (draft.text or draft.html):
        yield FieldError("template", "leaves the mail without content")
    yield from (
        FieldError(name, "contains a NUL character, which no mail can carry; the data brought it")
        for name, part in (("text", draft.text), ("html", draft.html))
        if part and "\0" in part
    )
    if (size := size_bytes(draft)) > CONTENT_BYTES_MAX:
        yield FieldError("template", f"makes a mail of {size} bytes, at most {CONTENT_BYTES_MAX} are allowed")
