"""Templates as the native API takes and gives them."""

from typing import Annotated, Any, Final, TypedDict

import msgspec
from msgspec import Meta, Struct

from everpost.dialects.faults import Faults, decode
from everpost.dialects.fields import check_depth, check_line
from everpost.dialects.native.render import instant
from everpost.model.limits import SUBJECT_CHARS_MAX, TEMPLATE_BYTES_MAX
from everpost.model.problem import Problem
from everpost.model.template import TEMPLATE_ID, Template

_LANGUAGE: Final = "`{{name}}`, `{{#if}}`, `{{#each}}`: see the page on templates."


class TemplateRequest(Struct, forbid_unknown_fields=True, kw_only=True):
    """A template, whole: what is left out, it has not."""

    subject: Annotated[str | None, Meta(description=f"One line. {_LANGUAGE}")] = None
    text: Annotated[str | None, Meta(description=_LANGUAGE)] = None
    html: Annotated[
        str | None,
        Meta(description=f"Values are escaped, but those of `{{{{{{name}}}}}}`. {TEMPLATE_BYTES_MAX} bytes in all."),
    ] = None
    defaults: Annotated[
        dict[str, Any] | None, Meta(description="Data for names (the outermost ones) of which a mail brings none.")
    ] = None
    strict: Annotated[
        bool | None, Meta(description="A mail whose data lacks a value is refused; else nothing stands in its place.")
    ] = None


class RenderRequest(Struct, forbid_unknown_fields=True, kw_only=True):
    """What to fill a template in with."""

    data: Annotated[dict[str, Any] | None, Meta(description="By name.")] = None


class TemplateHead(TypedDict):
    """A template without its sources."""

    id: str
    version: Annotated[int, Meta(description="From 1 on, raised by each change.")]
    updated_at: str
    subject: str | None
    has_text: bool
    has_html: bool
    strict: bool


class TemplateView(TypedDict):
    """A template."""

    id: str
    version: Annotated[int, Meta(description="From 1 on, raised by each change.")]
    updated_at: str
    subject: str | None
    text: str | None
    html: str | None
    defaults: dict[str, Any]
    strict: bool


class TemplatePage(TypedDict):
    data: list[TemplateHead]
    next_cursor: None


class WordsView(TypedDict):
    """A template filled in."""

    subject: str | None
    text: str | None
    html: str | None


_TEMPLATE: Final = msgspec.json.Decoder(TemplateRequest)
_RENDER: Final = msgspec.json.Decoder(RenderRequest)


def parse_template(id_: str, body: bytes) -> Template | Problem:
    """Whether its language is understood is for the engine to say."""
    faults = Faults()
    request = decode(body, _TEMPLATE, faults)
    if isinstance(request, Problem):
        return request
    if not TEMPLATE_ID.fullmatch(id_):
        faults.add("id", "is made of 1 to 64 letters, digits, `_`, `-` and `.`, and begins with none of the last two")
    if request.subject is not None:
        check_line(request.subject, SUBJECT_CHARS_MAX, "subject", faults)
    check_depth(request.defaults or {}, "defaults", faults)
    if faults:
        return faults.problem("The template is faulty")
    return Template(
        id=id_,
        project="",
        subject=request.subject or None,
        text=request.text or None,
        html=request.html or None,
        defaults=request.defaults or {},
        strict=bool(request.strict),
    )


def parse_data(body: bytes) -> dict[str, Any] | Problem:
    """What a template is to be filled in with; an empty body: nothing."""
    faults = Faults()
    request = decode(body or b"{}", _RENDER, faults)
    if isinstance(request, Problem):
        return request
    return faults.problem() if faults else request.data or {}


def render_head(template: Template) -> TemplateHead:
    return {
        "id": template.id,
        "version": template.version,
        "updated_at": instant(template.updated_at),
        "subject": template.subject,
        "has_text": template.text is not None,
        "has_html": template.html is not None,
        "strict": template.strict,
    }


def render_template(template: Template) -> TemplateView:
    return {
        "id": template.id,
        "version": template.version,
        "updated_at": instant(template.updated_at),
        "subject": template.subject,
        "text": template.text,
        "html": template.html,
        "defaults": dict(template.defaults),
        "strict": template.strict,
    }
