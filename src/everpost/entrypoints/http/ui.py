"""The web page: the files of entrypoints/ui as they are, and what a browser lets them do."""

from collections.abc import Mapping
from functools import cached_property
from importlib import resources
from pathlib import PurePath
from typing import Annotated, Final, TypedDict

from msgspec import Meta

from everpost.entrypoints.http.call import HTML, Call, Reply, json
from everpost.entrypoints.http.operation import Operation, open_page
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
"""Its own files and this API; no text ever becomes markup. A mail is shown in a frame of a blob, which has this policy
as well as a stricter one of its own: styles and pictures that stand in the mail itself are let through for its sake."""
_INDEX: Final = "index.html"
_HEADERS: Final = ((b"content-security-policy", POLICY), (b"x-dns-prefetch-control", b"off"))


class PageConfig(TypedDict):
    """What the page has to know before it can ask: addresses."""

    api: Annotated[str, Meta(description="Of the API; empty: the page's own origin.")]
    docs: Annotated[str, Meta(description="Of what explains the API; empty: there is none.")]
    inbox: Annotated[str, Meta(description="Of the dev inbox; empty: there is none.")]


class Ui:
    """Handlers over the files. `inbox`: whether there is a dev inbox to lead to."""

    def __init__(self, *, inbox: bool) -> None:
        self._config = json(200, PageConfig(api="", docs="/docs", inbox="/inbox" if inbox else ""))

    @cached_property
    def _files(self) -> Mapping[str, Reply]:
        """By name; read when somebody first looks at the page, so that a function that starts does not pay for them."""
        folder = resources.files("everpost.entrypoints") / "ui"
        files = (folder / _INDEX, *(folder / "page").iterdir())
        return {each.name: _reply(each.name, each.read_bytes()) for each in files}

    async def index(self, _call: Call) -> Reply:
        return self._files[_INDEX]

    async def config(self, _call: Call) -> Reply:
        return self._config

    async def file(self, call: Call) -> Reply | Problem:
        name = call.place("file")
        found = None if name == _INDEX else self._files.get(name)
        return found or problem("not_found", "the page has no file of this name")


def _reply(name: str, content: bytes) -> Reply:
    return Reply(status=200, body=content, content_type=TYPES[PurePath(name).suffix], headers=_HEADERS)


def ui_operations(*, inbox: bool) -> tuple[Operation, ...]:
    ui = Ui(inbox=inbox)
    return (
        open_page("front", "/", "The web page", ui.index, content_type=HTML),
        open_page("pageConfig", "/config.json", "Where the page finds the API", ui.config, schema=PageConfig),
        open_page("pageFile", "/page/{file}", "A file of the page", ui.file, content_type=b"*/*"),
    )
