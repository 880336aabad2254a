"""SendGrid as its clients see it: mail send, email logs, scopes."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from random import Random
from typing import Any, Final

import msgspec
from msgspec import Struct

from everpost.dialects import sendgrid as dialect
from everpost.dialects.answers import Rendered, render_json
from everpost.dialects.contract import Submission
from everpost.model.ids import CORRELATION_KEY
from everpost.model.problem import Problem
from everpost.sandbox.api import Conduct, random_id
from everpost.sandbox.events import Told, told_of
from everpost.sandbox.faults import FaultPlan, Target
from everpost.sandbox.inbox import Caught, Inbox
from everpost.sandbox.sendgrid import history, lists
from everpost.sandbox.suppressed import Suppressed

SEND_PATH: Final = "/v3/mail/send"
_TO: Final = re.compile(r"to_email = '((?:[^']|'')*)'")
_CREATED: Final = re.compile(r"sg_message_id_created_at (>=|<=|>|<) TIMESTAMP \"([^\"]+)\"")
_COMPARE: Final[dict[str, Callable[[float, float], bool]]] = {
    ">": float.__gt__,
    ">=": float.__ge__,
    "<": float.__lt__,
    "<=": float.__le__,
}
_WORDS: Final = {401: "authorization required", 429: "too many requests"}


class _Query(Struct):
    query: str
    limit: int = 10


class SendGrid:
    name: Final = "sendgrid"

    def __init__(self, inbox: Inbox, conduct: Conduct, clock: Callable[[], float], random: Random) -> None:
        self._inbox = inbox
        self._conduct = conduct
        self._clock = clock
        self._random = random
        self._suppressed = Suppressed(self.name, inbox, conduct, clock, tuple(lists.WHATS.values()))

    def target(self, method: str, path: str) -> Target:
        return Target.SEND if method == "POST" and path == SEND_PATH else Target.LOOKUP

    def refusal(self, plan: FaultPlan) -> Rendered:
        status = plan.status or 500
        return dialect.render_error(status, plan.text or _WORDS.get(status, f"error {status}"))

    def answer(self, request: Submission, *, lose: bool = False) -> Rendered:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not key or key in self._conduct.rejected_keys:
            return dialect.render_error(401, "The provided authorization grant is invalid, expired, or revoked")
        match request.method, request.path:
            case "POST", "/v3/mail/send":
                return self._send(request, key, lose=lose)
            case "POST", "/v3/logs":
                return self._logs(request)
            case "GET", "/v3/scopes":
                return render_json(200, {"scopes": ["mail.send"]})
            case "GET", path if path.startswith("/v3/logs/"):
                return self._log(path.removeprefix("/v3/logs/"))
        listed = self._suppressed.answer(request, lists.answer, dialect.render_error)
        return listed or dialect.render_error(404, "not found")

    def _send(self, request: Submission, key: str, *, lose: bool) -> Rendered:
        parsed = dialect.parse(request)
        if isinstance(parsed, Problem):
            return dialect.render_problem(parsed)
        caught = self._inbox.add(self.name, key[-4:], random_id(self._random), parsed, lose=lose)
        return dialect.render_accepted(caught.provider_message_id)

    def _shown(self, recipient: str | None = None) -> Iterator[Caught]:
        """What the logs know by now, of one recipient or of all."""
        before = self._clock() - self._conduct.lookup_lag_s
        return (caught for caught in self._inbox.newest(self.name, recipient) if caught.received_at <= before)

    def _logs(self, request: Submission) -> Rendered:
        try:
            asked = msgspec.json.decode(request.body, type=_Query)
            created = _CREATED.findall(asked.query)
            bounds = [(_COMPARE[sign], datetime.fromisoformat(text).timestamp()) for sign, text in created]
        except ValueError as refused:
            return dialect.render_error(400, str(refused))
        recipient = _TO.search(asked.query)
        wanted = recipient[1].replace("''", "'") if recipient else None
        found = [
            self._summary(caught, position)
            for caught in self._shown(wanted)
            if all(compare(caught.received_at, bound) for compare, bound in bounds)
            for position, address in enumerate(caught.draft.recipients)
            if wanted in (None, address.email)
        ]
        return render_json(200, {"messages": found[: asked.limit]})

    def _log(self, sg_message_id: str) -> Rendered:
        message_id, _, suffix = sg_message_id.partition(".recvd-")
        for caught in self._shown():
            if caught.provider_message_id == message_id and suffix.isdecimal():
                ours = {CORRELATION_KEY: caught.delivery_id} if caught.delivery_id else {}
                events = history.events_of(self._told(caught, int(suffix)))
                detail = {"custom_args": caught.draft.metadata | ours, "category": caught.draft.tags, "events": events}
                whole = self._summary(caught, int(suffix)) | detail
                return render_json(200, whole | {"api_key_id": "sandbox", "client_ip": "127.0.0.1"})
        return dialect.render_error(404, "message not found")

    def _told(self, caught: Caught, position: int) -> list[Told]:
        return [told for told in told_of(caught, self._inbox) if told.place == position]

    def _summary(self, caught: Caught, position: int) -> dict[str, Any]:
        """One recipient's line in the logs."""
        created = datetime.fromtimestamp(caught.received_at, UTC)
        return {
            "sg_message_id": f"{caught.provider_message_id}.recvd-{position}",
            "from_email": caught.draft.sender.email,
            "to_email": caught.draft.recipients[position].email,
            "subject": caught.draft.subject,
            "status": history.status_of(self._told(caught, position)),
            "sg_message_id_created_at": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
