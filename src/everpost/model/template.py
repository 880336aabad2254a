"""Mail whose words are kept here, and filled in for each mail."""

import re
from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct

from everpost.model.message import Draft

TEMPLATE_ID: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
"""What a template may be called: as the ids, aliases and names of providers are, so that callers need not change."""


class Template(Struct, frozen=True, kw_only=True):
    """The sources of a mail's words. What is None is not the template's matter."""

    id: str
    project: str
    subject: str | None = None
    text: str | None = None
    html: str | None = None
    defaults: Mapping[str, Any] = {}  # data, by its outermost names, where a mail brings none
    strict: bool = False  # a name that is not in the data refuses the mail; else nothing stands in its place
    version: int = 0  # from 1 on, raised by each change
    updated_at: float = 0.0


class Templated(Struct, frozen=True, kw_only=True):
    """A mail that a template is to be filled in for."""

    draft: Draft  # what it is beside the template; its own subject stands before the template's
    template: str
    data: Mapping[str, Any]
    subject: str = ""  # where neither it nor the template has one
    elsewhere: Draft | None = None  # as the provider is to fill it in, where the template is not kept here
