"""The provider that docs/adding-a-provider.md shows is one."""

import hashlib
import hmac
import json
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from everpost.model.account import Account
from everpost.model.outcome import Kind
from everpost.model.sighting import Bounce, Reason, SightingKind, Unreadable
from everpost.model.suppression import Source, SuppressionDraft
from everpost.providers.contract import Absent, Found, HttpResponse, Provider, Sought, Unclear, Unsendable, outcome_of
from everpost.providers.hooks import Forged, Genuine, Webhook
from hook_senders import hook_request
from provider_cases import DRAFT, ID, PLAIN, body_of, message_of
from store_values import NOW

PAGE = Path(__file__).resolve().parents[2] / "docs" / "adding-a-provider.md"
CODE, EVENTS, HISTORY, LISTS = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
ACCOUNT = Account(name="main", provider="postbox", settings={"api_key": "k"})
MAIL = message_of(PLAIN)


@pytest.fixture(scope="module")
def files():
    """Each as the module that it would be, so that one can import another."""
    with pytest.MonkeyPatch.context() as patch:
        made = {}
        for name, code in {"": "", "adapter": CODE, "events": EVENTS, "history": HISTORY, "lists": LISTS}.items():
            made[name] = ModuleType(f"everpost.providers.postbox.{name}".rstrip("."))
            patch.setitem(sys.modules, made[name].__name__, made[name])
            setattr(made[""], name or "__path__", made[name] if name else [])
            exec(compile(code, str(PAGE), "exec"), made[name].__dict__)
        yield made


@pytest.fixture(scope="module")
def provider(files):
    assert isinstance(files["adapter"].PROVIDER, Provider)
    return files["adapter"].PROVIDER


@pytest.fixture(scope="module")
def webhook(files):
    assert isinstance(files["events"].WEBHOOK, Webhook)
    return files["events"].WEBHOOK


def posted(event, *, secret="s", signed_at=NOW):
    body = json.dumps(event).encode()
    signature = hmac.new(secret.encode(), f"{signed_at:.0f}.".encode() + body, hashlib.sha256).hexdigest()
    return hook_request(body, {"postbox-time": f"{signed_at:.0f}", "postbox-signature": signature})


def answer(status, value):
    return HttpResponse(status=status, headers={}, body=json.dumps(value).encode())


def test_its_files_are_short_enough():
    assert max(len(code.splitlines()) for code in (CODE, EVENTS, HISTORY, LISTS)) <= 150


def test_it_builds_a_request_that_names_the_delivery(provider):
    body = body_of(provider.build(MAIL, ID, ACCOUNT))
    assert (body["to"], body["tag"]) == ([{"email": "bob@example.org", "name": ""}], ID)
    assert isinstance(provider.build(DRAFT, ID, ACCOUNT), Unsendable)


@pytest.mark.parametrize(
    ("status", "value", "kind"),
    [
        (200, {"id": "x"}, Kind.ACCEPTED),
        (200, {}, Kind.UNKNOWN),
        (400, {"error": {"message": "The sender is not confirmed."}}, Kind.REFUSED),
        (400, {"error": {"message": "The subject is too long."}}, Kind.REJECTED),
        (403, {"error": {"message": "You are out of credit."}}, Kind.THROTTLED),
        (500, {"error": {"message": "Oops."}}, Kind.UNKNOWN),
    ],
)
def test_it_reads_answers(provider, status, value, kind):
    assert outcome_of(provider, answer(status, value), ACCOUNT).kind is kind


def test_it_finds_out_what_became_of_a_mail(provider):
    sought = Sought(delivery_id=ID, message=MAIL, account=ACCOUNT, started_at=0.0)
    assert provider.resolve.start(sought).url == f"https://api.postbox.example/v1/mails?tag={ID}&limit=1"
    mails = [{"id": "x", "metadata": {"everpost_id": ID}}]
    assert provider.resolve.read(sought, answer(200, {"mails": mails})) == Found("x")
    assert provider.resolve.read(sought, answer(200, {"mails": []})) == Absent()
    assert isinstance(provider.resolve.read(sought, answer(403, {})), Unclear)


def test_it_believes_what_is_signed_in_time(webhook):
    day_s = 86_400.0
    assert webhook.verify(posted({}), ACCOUNT, ("old", "s")) == Genuine()
    assert isinstance(webhook.verify(posted({}, secret="other"), ACCOUNT, ("s",)), Forged)
    assert isinstance(webhook.verify(posted({}, signed_at=NOW - day_s), ACCOUNT, ("s",)), Forged)
    assert isinstance(webhook.verify(posted({}), ACCOUNT, ()), Forged)
    assert isinstance(webhook.verify(hook_request(b"{}", {}), ACCOUNT, ("s",)), Forged)


def test_it_reads_events(webhook):
    gone = {"bounce": "hard", "reply": "550 5.1.1 no such user", "metadata": {"everpost_id": ID}}
    event = {"event": "bounced", "event_id": "e", "to": "bob@example.org", "id": "x"} | gone
    bounced, other, bad = webhook.read(posted([event, {"event": "new"}, {}]).body)
    assert (bounced.kind, bounced.recipient) == (SightingKind.BOUNCED, "bob@example.org")
    assert (bounced.bounce, bounced.reason) == (Bounce.HARD, Reason.INVALID_RECIPIENT)
    assert (bounced.delivery_id, bounced.event_id, bounced.provider_message_id) == (ID, "e", "x")
    assert other.kind is SightingKind.UNKNOWN
    assert isinstance(bad, Unreadable)


def test_it_lists_its_events_page_by_page(files):
    history = files["history"].history(files["adapter"]._get)
    question = history.start(ACCOUNT, 10.0, 20.0)
    assert question.request.url == "https://api.postbox.example/v1/events?from=10&to=20&limit=500"
    assert isinstance(question.read(answer(403, {})), Unclear)
    listed = question.read(answer(200, {"events": [{"event": "delivered", "event_id": "e"}, {}], "next": "p2"}))
    known, bad = listed.told
    assert (known.kind, known.event_id, isinstance(bad, Unreadable)) == (SightingKind.DELIVERED, "e", True)
    (following,) = listed.further
    assert following.request.url.endswith("&limit=500&page=p2")
    assert following.read(answer(200, {"events": []})).further == ()


def test_it_lists_whom_it_writes_to_no_more_and_can_be_told_of_others(files):
    lists = files["lists"].LISTS
    assert lists.ask(ACCOUNT, "account", "").url == "https://api.postbox.example/v1/suppressions?limit=100&page=1"
    rows = [{"email": "Bob@example.org", "reason": "bounce", "words": "550"}, {"email": "eve@example.net"}, {}]
    page = lists.read("account", "", {"suppressions": rows})
    assert [(row.address, row.source) for row in page.rows] == [
        ("bob@example.org", Source.BOUNCE),
        ("eve@example.net", Source.ACCOUNT),
    ]
    assert page.further == ""
    assert lists.read("account", "2", {"suppressions": rows[:1] * 100}).further == "3"
    assert lists.read("account", "", {"error": "x"}) is None
    (request,) = lists.add(ACCOUNT, [SuppressionDraft(address="bob@example.org", source=Source.COMPLAINT, reason="r")])
    assert body_of(request) == [{"email": "bob@example.org", "reason": "complaint"}]
