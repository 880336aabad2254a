"""The way to steer and inspect a running sandbox from outside.

GET, PUT, DELETE  /_sandbox/{provider}/faults   PUT takes one FaultPlan or a list of them
GET, DELETE       /_sandbox/inbox               ?limit=, ?delivery_id=
GET               /_sandbox/inbox/{id}
POST              /_sandbox/inbox/{id}/events   {"what": "complained", "place": 0}: tells that of a recipient
GET               /_sandbox/ledger              how often each delivery was taken, and lost on purpose
"""

import re
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct

from everpost.dialects.answers import Rendered, render_json
from everpost.dialects.contract import Submission
from everpost.sandbox.api import Api, not_found
from everpost.sandbox.events import WHATS
from everpost.sandbox.faults import FaultPlan, Faults, Target
from everpost.sandbox.inbox import Caught, Inbox
from everpost.sandbox.telling import Telling

PutFaults = Callable[..., Awaitable[None]]

_FAULTS: Final = re.compile(r"/_sandbox/(\w+)/faults")
_CAUGHT: Final = re.compile(r"/_sandbox/inbox/(\w+)")
_EVENTS: Final = re.compile(r"/_sandbox/inbox/(\w+)/events")
_PAGE: Final = 100


class _Event(Struct, forbid_unknown_fields=True):
    what: Annotated[str, Meta(pattern=f"^({'|'.join(sorted(WHATS))})$")]
    place: Annotated[int, Meta(ge=0)] = 0


class Control:
    """The API of the control port."""

    def __init__(self, inbox: Inbox, faults: dict[str, Faults], put_faults: PutFaults, telling: Telling) -> None:
        self._inbox = inbox
        self._faults = faults
        self._put_faults = put_faults
        self._telling = telling

    def target(self, method: str, path: str) -> Target:  # noqa: ARG002 - the port has no faults
        return Target.LOOKUP

    def refusal(self, plan: FaultPlan) -> Rendered:
        return render_json(plan.status or 500, {"message": plan.text})

    def answer(self, request: Submission, *, lose: bool = False) -> Rendered | Awaitable[Rendered]:  # noqa: ARG002 - see target
        if found := _FAULTS.fullmatch(request.path):
            return self.answer_faults(request, found[1])
        if found := _CAUGHT.fullmatch(request.path):
            caught = self._inbox.get(found[1])
            return render_json(200, _whole(caught)) if caught else not_found()
        if found := _EVENTS.fullmatch(request.path):
            return self._tell(request, self._inbox.get(found[1]))
        match request.method, request.path:
            case "GET", "/_sandbox/inbox":
                return self._list(request.query)
            case "DELETE", "/_sandbox/inbox":
                self._inbox.clear()
                return Rendered(status=204)
            case "GET", "/_sandbox/ledger":
                return render_json(200, {"taken": dict(self._inbox.taken), "lost": dict(self._inbox.lost)})
        return not_found()

    def _tell(self, request: Submission, caught: Caught | None) -> Rendered:
        if caught is None or request.method != "POST":
            return not_found()
        try:
            event = msgspec.json.decode(request.body, type=_Event)
        except (msgspec.DecodeError, UnicodeDecodeError) as refused:
            return render_json(400, {"message": str(refused)})
        if event.place >= len(caught.draft.recipients):
            return render_json(400, {"message": f"the mail has {len(caught.draft.recipients)} recipients"})
        if not self._telling.told(caught, event.place, [event.what]):
            words = f"nobody is told that of mail at {caught.provider}, or it has no event for it"
            return render_json(409, {"message": words})
        return render_json(202, {"message": "it is told"})

    def document(self, provider: str, path: str) -> bytes | None:
        return self._telling.document(provider, path)

    def answer_faults(self, request: Submission, provider: str) -> Rendered | Awaitable[Rendered]:
        if provider not in self._faults:
            return not_found()
        if request.method == "GET":
            return render_json(200, {"data": self._faults[provider].plans})
        if request.method == "DELETE":
            return self._change(provider, [])
        try:
            given = msgspec.json.decode(request.body, type=list[FaultPlan] | FaultPlan)
        except (msgspec.DecodeError, UnicodeDecodeError) as refused:
            return render_json(400, {"message": str(refused)})
        return self._change(provider, given if isinstance(given, list) else [given])

    async def _change(self, provider: str, plans: list[FaultPlan]) -> Rendered:
        await self._put_faults(provider, *plans)
        return render_json(200, {"data": plans})

    def _list(self, query: dict[str, str]) -> Rendered:
        limit = int(query["limit"]) if query.get("limit", "").isdecimal() else _PAGE
        found = self._inbox.find(query["delivery_id"]) if "delivery_id" in query else self._inbox.list(limit)
        return render_json(200, {"data": [_summary(caught) for caught in found]})


class Steered:
    """A provider's API that also answers /_sandbox/faults at its own port."""

    def __init__(self, name: str, api: Api, control: Control) -> None:
        self._name = name
        self._api = api
        self._control = control
        self.target = api.target
        self.refusal = api.refusal

    def answer(self, request: Submission, *, lose: bool = False) -> Rendered | Awaitable[Rendered]:
        if request.path == "/_sandbox/faults":
            return self._control.answer_faults(request, self._name)
        if request.method == "GET" and (document := self._control.document(self._name, request.path)) is not None:
            return Rendered(status=200, headers={"content-type": "text/plain"}, body=document)
        return self._api.answer(request, lose=lose)


def _summary(caught: Caught) -> dict[str, Any]:
    return {
        "id": caught.id,
        "provider": caught.provider,
        "account": caught.account,
        "received_at": caught.received_at,
        "delivery_id": caught.delivery_id,
        "provider_message_id": caught.provider_message_id,
        "lost": caught.lost,
        "from": str(caught.draft.sender),
        "to": [str(address) for address in caught.draft.recipients],
        "subject": caught.draft.subject,
    }


def _whole(caught: Caught) -> dict[str, Any]:
    return _summary(caught) | {"draft": caught.draft}
