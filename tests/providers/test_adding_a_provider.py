"""The provider that docs/adding-a-provider.md shows is one."""

import json
import re
from pathlib import Path

import pytest

from everpost.model.account import Account
from everpost.model.outcome import Kind
from everpost.providers.contract import Absent, Found, HttpResponse, Provider, Sought, Unclear, Unsendable, outcome_of
from provider_cases import DRAFT, ID, PLAIN, body_of, message_of

PAGE = Path(__file__).resolve().parents[2] / "docs" / "adding-a-provider.md"
[CODE] = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
ACCOUNT = Account(name="main", provider="postbox", settings={"api_key": "k"})
MAIL = message_of(PLAIN)


@pytest.fixture(scope="module")
def provider():
    names = {}
    exec(compile(CODE, str(PAGE), "exec"), names)
    assert isinstance(names["PROVIDER"], Provider)
    return names["PROVIDER"]


def answer(status, value):
    return HttpResponse(status=status, headers={}, body=json.dumps(value).encode())


def test_its_file_is_short_enough():
    assert len(CODE.splitlines()) <= 150


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
