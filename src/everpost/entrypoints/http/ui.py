"""The web page: the files of entrypoints/ui as they are, and what a browser lets them do."""

import gzip
import re
from collections.abc import Mapping
from functools import cached_property
from hashlib import sha256
from importlib import resources
from pathlib import PurePath
from typing import Annotated, Final, TypedDict

from msgspec import Meta, Struct
from msgspec.structs import replace

from everpost.entrypoints.http.call import HTML, Call, Reply, json
from everpost.entrypoints.http.operation import Answer, Operation, open_page
from everpost.entrypoints.http.problems import problem
from everpost.model.problem import Problem

TYPES: Final[Mapping[str, bytes]] = {
    ".html": HTML,
    ".css": b"text/css; charset=utf-8",
    ".js": b"text/javascript; charset=utf-8",
    ".svg": b"image/svg+xml",
}
POLICY: Final = (
    b"default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-src blob:; "
    b"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    b"require-trusted-types-for 'script'; trusted-types 'none'"
)
"""Its own files and this API; no text ever becomes markup. The frame that shows a mail has this policy, too: for it are
the inline styles and images (ADR 52)."""
_INDEX: Final = "index.html"
_HEADERS: Final = ((b"content-security-policy", POLICY), (b"x-dns-prefetch-control", b"off"))
_ASKS_FIRST: Final = b"no-cache"
"""Kept by browsers, but never used without asking: the names of the files say nothing of their version."""
_GZIP: Final = re.compile(r"\b(?:gzip|x-gzip)\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))", re.IGNORECASE)


class PageConfig(TypedDict):
    """What the page has to know before it can ask: addresses."""

    api: Annotated[str, Meta(description="Of the API; empty: the page's own origin.")]
    docs: Annotated[str, Meta(description="Of what explains the API; empty: there is none.")]


class Ui:
    """Handlers over the files."""

    def __init__(self) -> None:
        self._config = json(200, PageConfig(api="", docs="/docs"))

    @cached_property
    def _files(self) -> Mapping[str, "_File"]:
        """By name; read when somebody first looks at the page, so that a function that starts does not pay for them."""
        folder = resources.files("everpost.entrypoints") / "ui"
        files = (folder / _INDEX, *(folder / "page").iterdir())
        return {each.name: _file(each.name, each.read_bytes()) for each in files}

    async def index(self, call: Call) -> Reply:
        return self._files[_INDEX].given(call)

    async def config(self, _call: Call) -> Reply:
        return self._config

    async def file(self, call: Call) -> Reply | Problem:
        name = call.place("file")
        found = None if name == _INDEX else self._files.get(name)
        return found.given(call) if found else problem("not_found", "the page has no file of this name")


class _File(Struct, frozen=True):
    """A file as it is, and packed (gzip), each with the name of its version."""

    plain: tuple[str, Reply]
    packed: tuple[str, Reply]

    def given(self, call: Call) -> Reply:
        """As the caller takes it; without a body if that is what it has."""
        etag, reply = self.packed if _GZIP.search(call.header(b"accept-encoding") or "") else self.plain
        known = {each.strip().removeprefix("W/") for each in (call.header(b"if-none-match") or "").split(",")}
        return replace(reply, status=304, body=b"") if known & {etag, "*"} else reply


def _file(name: str, content: bytes) -> _File:
    version = sha256(content).hexdigest()[:32]

    def form(etag: str, body: bytes, *more: tuple[bytes, bytes]) -> tuple[str, Reply]:
        headers = (*_HEADERS, (b"etag", etag.encode()), (b"vary", b"accept-encoding"), *more)
        type_ = TYPES[PurePath(name).suffix]
        return etag, Reply(status=200, body=body, content_type=type_, headers=headers, cache=_ASKS_FIRST)

    packed = gzip.compress(content, mtime=0)
    return _File(form(f'"{version}"', content), form(f'"{version}-gz"', packed, (b"content-encoding", b"gzip")))


def ui_operations() -> tuple[Operation, ...]:
    ui = Ui()
    return (
        _kept(open_page("front", "/", "The web page", ui.index, content_type=HTML)),
        open_page("pageConfig", "/config.json", "Where the page finds the API", ui.config, schema=PageConfig),
        _kept(open_page("pageFile", "/page/{file}", "A file of the page", ui.file, content_type=b"*/*")),
    )


def _kept(page: Operation) -> Operation:
    """A page that browsers keep, and ask whether it has changed."""
    whole = replace(page.answers[0], headers={"ETag": "The version; browsers send it as If-None-Match."})
    return replace(page, answers=(whole, Answer(status=304, description="As it was.")))
