"""Templates: kept for each project by the ids that its callers use, and filled in as mail is accepted.

What is stored of a mail is the finished mail: a change of its template later on changes nothing of it.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from everpost.core.templating.filling import PARTS, Compiled, Words, compiled, fill, words
from everpost.engine.ports import Ports
from everpost.model.event import Event, EventType
from everpost.model.key import Caller
from everpost.model.limits import TEMPLATE_BYTES_MAX, TEMPLATES_BYTES_MAX, TEMPLATES_MAX
from everpost.model.message import Draft
from everpost.model.problem import FieldError, Problem
from everpost.model.template import TEMPLATE_ID, Template, Templated

CACHE_S: Final = 1.0
"""How long a template is remembered: a change made by another process takes effect within this time."""
CACHED_MAX: Final = 64
_FOLDER: Final = "template/"
_TITLE: Final = "The request has faulty fields"


class _Known(Struct, frozen=True):
    ready: Compiled | None  # None: there is no such template
    value: bytes  # as it was stored
    read_at: float


class Templates:
    """All methods raise StoreUnavailable when the store does."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._cache: OrderedDict[str, _Known] = OrderedDict()  # by name of the document, the latest used last
        self._turn = asyncio.Lock()

    async def of(self, project: str) -> Sequence[Template]:
        """By their ids."""
        documents = await self._ports.store.read_config(f"{_FOLDER}{project}/")
        found = [_template(document.value) for document in documents.values()]
        return sorted((one for one in found if one.project == project), key=lambda one: one.id)

    async def get(self, project: str, id_: str) -> Template | Problem:
        found = await self._found(project, id_)
        return _absent(id_) if found is None else found[0]

    async def put(self, caller: Caller, template: Template) -> Template | Problem:
        """Made, or changed as a whole; `template` is told its project, version and time here."""
        if errors := _faults(template):
            return Problem(code="validation_failed", status=422, title="The template is faulty", errors=tuple(errors))
        while True:
            found = await self._found(caller.project, template.id)
            before, was = (None, 0) if found is None else found
            if refused := await self._full(caller.project, template, before):
                return refused
            version = 1 if before is None else before.version + 1
            now = self._ports.clock.now()
            made = replace(template, project=caller.project, version=version, updated_at=now)
            if await self._write(made, made, was, self._told(EventType.TEMPLATE_CHANGED, caller, made)):
                return made

    async def delete(self, caller: Caller, id_: str) -> Problem | None:
        """Mail that was accepted has its words, and goes out as before."""
        while True:
            found = await self._found(caller.project, id_)
            if found is None:
                return _absent(id_)
            template, was = found
            if await self._write(template, None, was, self._told(EventType.TEMPLATE_DELETED, caller, template)):
                return None

    async def words(self, project: str, id_: str, data: Mapping[str, Any]) -> Words | Problem:
        """What the template becomes; nothing is sent."""
        ready = await self._ready(project, id_)
        if ready is None:
            return _absent(id_)
        async with self._turn:
            found = words(ready, data)
            await asyncio.sleep(0)
        return _refused((found,)) if isinstance(found, FieldError) else found

    async def filled(self, project: str, mail: Templated) -> Draft | Problem:
        """The finished mail; as its provider is to fill it in, where the template is not kept here."""
        ready = await self._ready(project, mail.template)
        if ready is None:
            detail = f"there is no template {mail.template[:64]!r} in this project"
            return mail.elsewhere or _refused((FieldError("template", detail),))
        async with self._turn:  # others have theirs between any two mails of a request
            draft = fill(ready, mail)
            await asyncio.sleep(0)
        return draft if isinstance(draft, Draft) else _refused(draft)

    # ------------------------------------------------------------------------------------------------------------------

    async def _ready(self, project: str, id_: str) -> Compiled | None:
        if not TEMPLATE_ID.fullmatch(id_):
            return None
        name, now = _name(project, id_), self._ports.clock.now()
        known = self._cache.get(name)
        if known is None or not 0 <= now - known.read_at < CACHE_S:
            document = (await self._ports.store.read_config(name)).get(name)
            value = b"" if document is None else document.value
            ready = known.ready if known is not None and known.value == value else _read(value)
            known = self._cache[name] = _Known(ready, value, now)
            if len(self._cache) > CACHED_MAX:
                self._cache.popitem(last=False)
        self._cache.move_to_end(name)
        return known.ready

    async def _found(self, project: str, id_: str) -> tuple[Template, int] | None:
        """With the version of its document."""
        if not TEMPLATE_ID.fullmatch(id_):
            return None
        name = _name(project, id_)
        document = (await self._ports.store.read_config(name)).get(name)
        return None if document is None else (_template(document.value), document.version)

    async def _write(self, template: Template, kept: Template | None, was: int, event: Event) -> bool:
        name = _name(template.project, template.id)
        value = None if kept is None else msgspec.msgpack.encode(kept)
        written = await self._ports.store.write_config(name, value, was, (event,))
        self._cache.pop(name, None)
        self._ports.news.nudge()
        return written is not None

    async def _full(self, project: str, template: Template, before: Template | None) -> Problem | None:
        """Whether there is no room for it. Who comes at the same moment is not counted."""
        others = [one for one in await self.of(project) if before is None or one.id != before.id]
        count, size = len(others) + 1, sum(map(_size, (*others, template)))
        if count <= TEMPLATES_MAX and size <= TEMPLATES_BYTES_MAX:
            return None
        detail = f"a project has at most {TEMPLATES_MAX} templates of {TEMPLATES_BYTES_MAX} bytes; delete some first"
        return Problem(code="too_many_templates", status=409, title="There are too many templates", detail=detail)

    def _told(self, type_: EventType, caller: Caller, template: Template) -> Event:
        return Event(
            id=f"{type_}:{template.id}:{self._ports.clock.entropy():020x}",
            type=type_,
            at=self._ports.clock.now(),
            project=caller.project,
            data={"template": template.id, "version": template.version, "by": caller.who},
        )


def _faults(template: Template) -> list[FieldError]:
    if all(getattr(template, name) is None for name in PARTS):
        return [FieldError("html", "the template has no content: give subject, text, html or several")]
    if (size := _size(template)) > TEMPLATE_BYTES_MAX:
        return [FieldError("html", f"the template has {size} bytes, at most {TEMPLATE_BYTES_MAX} are allowed")]
    read = compiled(template)
    return [] if isinstance(read, Compiled) else [*read]


def _size(template: Template) -> int:
    """In bytes, with the data that it brings."""
    parts = (getattr(template, name) or "" for name in PARTS)
    return sum(len(part.encode()) for part in parts) + len(msgspec.json.encode(template.defaults))


def _read(value: bytes) -> Compiled | None:
    if not value:
        return None
    read = compiled(_template(value))
    if isinstance(read, Compiled):
        return read
    raise ValueError(f"a template is kept that can't be read: {read[0].message}")


def _name(project: str, id_: str) -> str:
    """Ended by what no id has, so that no other template's name begins with it."""
    return f"{_FOLDER}{project}/{id_}/"


def _template(value: bytes) -> Template:
    return msgspec.msgpack.decode(value, type=Template)


def _absent(id_: str) -> Problem:
    detail = f"there is no template {id_[:64]!r} in this project"
    return Problem(code="not_found", status=404, title="There is no such template", detail=detail)


def _refused(errors: tuple[FieldError, ...]) -> Problem:
    return Problem(code="validation_failed", status=422, title=_TITLE, errors=errors)
