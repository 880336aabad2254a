"""Mailgun as its clients see it: messages, events, domains."""

import binascii
import re
from base64 import b64decode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from random import Random
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlencode

from everpost.dialects import mailgun as dialect
from everpost.dialects.answers import Rendered, render_json
from everpost.dialects.contract import Submission
from everpost.model.problem import Problem
from everpost.sandbox.api import Conduct, random_id
from everpost.sandbox.events import Told, told_of
from everpost.sandbox.faults import FaultPlan, Target
from everpost.sandbox.inbox import Inbox
from everpost.sandbox.mailgun import lists
from everpost.sandbox.mailgun.events import event_of
from everpost.sandbox.suppressed import Suppressed

EVENTS_MAX: Final = 300
_SEND: Final = re.compile(r"/v3/([^/]+)/messages(\.mime)?")
_EVENTS: Final = re.compile(r"/v3/([^/]+)/events(?:/([^/]+))?")
_DOMAIN: Final = re.compile(r"/v4/domains/([^/]+)")
_RESTRICTED: Final = re.compile(r"sandbox.*\.mailgun\.org")
_NOT_AUTHORIZED: Final = (
    "Domain {} is not allowed to send: Sandbox subdomains are for test purposes only. Please add your own domain or "
    "add the address to authorized recipients in Account Settings."
)


class Mailgun:
    name: Final = "mailgun"

    def __init__(self, inbox: Inbox, conduct: Conduct, clock: Callable[[], float], random: Random) -> None:
        self._inbox = inbox
        self._conduct = conduct
        self._clock = clock
        self._random = random
        self._suppressed = Suppressed(self.name, inbox, conduct, clock)

    def target(self, method: str, path: str) -> Target:
        return Target.SEND if method == "POST" and _SEND.fullmatch(path) else Target.LOOKUP

    def refusal(self, plan: FaultPlan) -> Rendered:
        status = plan.status or 500
        return dialect.render_error(status, plan.text or f"error {status}")

    def answer(self, request: Submission, *, lose: bool = False) -> Rendered:
        if not self._let_in(request.headers.get("authorization", "")):
            return dialect.render_error(401, "Forbidden")
        if request.method == "POST" and (found := _SEND.fullmatch(request.path)):
            return self._send(request, unquote(found[1]), is_whole=found[2] is not None, lose=lose)
        if request.method == "GET" and (found := _EVENTS.fullmatch(request.path)):
            try:
                return self._events(request, unquote(found[1]), found[2])
            except ValueError as refused:  # a number, or the token of a page
                return dialect.render_error(400, str(refused))
        if request.method == "GET" and (found := _DOMAIN.fullmatch(request.path)):
            return render_json(200, {"domain": {"name": unquote(found[1]), "state": "active"}})
        listed = self._suppressed.answer(request, lists.answer, dialect.render_error)
        return listed or Rendered(status=200, headers={"content-type": "text/plain"}, body=b"Mailgun Magnificent API")

    def _let_in(self, authorization: str) -> bool:
        scheme, _, login = authorization.partition(" ")
        try:
            user, _, key = b64decode(login, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return False
        return scheme.lower() == "basic" and user == "api" and key != "" and key not in self._conduct.rejected_keys

    def _send(self, request: Submission, domain: str, *, is_whole: bool, lose: bool) -> Rendered:
        parsed = (dialect.parse_whole if is_whole else dialect.parse)(request)
        if isinstance(parsed, Problem):
            return dialect.render_problem(parsed)
        allowed = self._conduct.authorized_recipients
        if _RESTRICTED.fullmatch(domain) and any(each.email not in allowed for each in parsed.draft.recipients):
            return dialect.render_error(400, _NOT_AUTHORIZED.format(domain))
        message_id = parsed.draft.headers.get("Message-ID", "").strip("<>")
        ours = f"{parsed.delivery_id}@{parsed.draft.sender.email.rpartition('@')[2]}" if parsed.delivery_id else ""
        message_id = message_id or ours or f"{random_id(self._random)}@{domain}"
        self._inbox.add(self.name, domain, message_id, parsed, lose=lose)
        return dialect.render_accepted(message_id)

    def _events(self, request: Submission, domain: str, page: str | None) -> Rendered:
        query = request.query if page is None else dict(parse_qsl(urlsafe_b64decode(page).decode()))
        begin, end = float(query.get("begin", 0)), float(query.get("end", "inf"))
        before = self._clock() - self._conduct.lookup_lag_s
        told = (
            one
            for caught in self._inbox.newest(self.name, query.get("recipient"))
            if caught.account == domain
            for one in told_of(caught, self._inbox)
            if begin <= one.at <= end and one.at <= before
        )
        events = [event for event in map(event_of, sorted(told, key=_age)) if _fits(event, query)]
        if query.get("ascending") == "yes":
            events.reverse()
        start, limit = int(query.get("start", 0)), min(int(query.get("limit", 100)), EVENTS_MAX)
        token = urlsafe_b64encode(urlencode(query | {"start": str(start + limit)}).encode()).decode()
        following = f"http://{request.headers.get('host', '')}/v3/{domain}/events/{token}"
        return render_json(200, {"items": events[start : start + limit], "paging": {"next": following}})


def _age(told: Told) -> float:
    return -told.at


def _fits(event: dict[str, Any], query: dict[str, str]) -> bool:
    shown = {
        "event": event["event"],
        "recipient": event["recipient"],
        "message-id": event["message"]["headers"]["message-id"],
        "subject": event["message"]["headers"]["subject"],
    }
    return all(query[name] == value for name, value in shown.items() if name in query)
