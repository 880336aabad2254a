"""Finding out what became of an attempt: the question, and what each answer to it tells."""

import json
from random import Random
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from drafts import drafts, mangled
from everpost.core.resolving import CLOCK_OFF_S_MAX
from everpost.model.outcome import Kind
from everpost.providers.contract import Absent, Ask, Found, HttpResponse, Lookup, Sought, Unclear
from everpost.sandbox.api import Conduct
from everpost.sandbox.inbox import Inbox
from everpost.sandbox.sandbox import APIS
from everpost.wiring import PROVIDERS
from provider_cases import (
    DRAFT,
    ID,
    NAMES,
    STARTED_AT,
    about,
    account_of,
    answer_of,
    answered,
    cases,
    fitted,
    shown,
    sought_of,
)

LOOKUPS = cases("lookups/*.json")
READS = [(case, read) for case in LOOKUPS for read in case.value["reads"]]
ASKED = [name for name in NAMES if isinstance(PROVIDERS[name].resolve, Lookup)]


def told(finding):
    """A finding as the fixtures put it."""
    match finding:
        case Found():
            return {"found": finding.provider_message_id}
        case Absent():
            return {"absent": True}
        case Ask():
            return {"ask": [shown(request) for request in finding.requests]}
        case Unclear():
            return {"unclear": finding.reason}


@pytest.mark.parametrize("case", LOOKUPS, ids=str)
def test_a_question_is_asked_in_the_providers_form(case):
    sought = sought_of(case.value, case.provider)
    assert shown(PROVIDERS[case.provider].resolve.start(sought)) == case.value["question"]


@pytest.mark.parametrize(("case", "read"), READS, ids=[f"{case}: {read['says']}" for case, read in READS])
def test_an_answer_tells_what_became_of_a_mail(case, read):
    sought = sought_of(case.value, case.provider)
    finding = told(PROVIDERS[case.provider].resolve.read(sought, answer_of(read["answer"])))
    expected = read["finding"]
    assert finding.keys() == expected.keys()
    assert expected.get("unclear", "") in finding.get("unclear", "")
    assert expected | {"unclear": ""} == finding | {"unclear": ""}


@pytest.mark.parametrize("provider", ASKED)
def test_a_provider_that_can_be_asked_has_lookups_of_every_kind(provider):
    kinds = {kind for case, read in READS if case.provider == provider for kind in read["finding"]}
    never = {"found"} if about(provider).get("shows_id") == "not whose it is" else set()
    assert kinds >= {"found", "absent", "unclear"} - never


# --- laws ------------------------------------------------------------------------------------------------------------

KEYS = [
    *("messages", "sg_message_id", "custom_args", "everpost_id", "subject"),
    *("items", "paging", "next", "message", "headers", "message-id", "user-variables"),
]
JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text() | st.just(ID),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=12,
)
BODIES = st.binary(max_size=30) | JSON.map(lambda value: json.dumps(value).encode())


@pytest.mark.parametrize("provider", ASKED)
@given(status=st.integers(100, 599), body=BODIES)
def test_only_a_good_answer_finds_a_mail_or_proves_that_it_is_not_there(provider, status, body):
    finding = PROVIDERS[provider].resolve.read(
        sought_of({}, provider), HttpResponse(status=status, headers={}, body=body)
    )
    if isinstance(finding, Found):
        assert ID.encode() in body
    if not isinstance(finding, Unclear):
        assert status == 200


@pytest.mark.parametrize("provider", ASKED)
@given(data=st.data())
def test_records_with_something_else_in_any_place_tell_no_lie(provider, data):
    told = data.draw(st.sampled_from([read["answer"] for case, read in READS if case.provider == provider]))
    body = json.dumps(data.draw(mangled(told.get("body", ""))), ensure_ascii=False).encode("utf-8", "replace")
    response = replace(answer_of(told | {"body": ""}), body=body)
    finding = PROVIDERS[provider].resolve.read(sought_of({}, provider), response)
    assert isinstance(finding, Found | Absent | Ask | Unclear)
    assert not isinstance(finding, Found) or (ID.encode() in body and response.status == 200)
    assert isinstance(finding, Unclear) or response.status == 200
    json.dumps(finding.provider_message_id if isinstance(finding, Found) else None)


@pytest.mark.parametrize("provider", ASKED)
@given(address=st.text() | st.sampled_from(["https://eve.example.com/", "//eve.example.com", "file:///etc/passwd", ""]))
def test_a_key_never_leaves_for_an_address_that_an_answer_chose(provider, address):
    """Whatever stands where an answer may name the next page or the next mail."""
    sought = sought_of({}, provider)
    home = urlsplit(PROVIDERS[provider].resolve.start(sought).url)
    for value in ({"items": [{}], "paging": {"next": address}}, {"messages": [{"sg_message_id": address}]}):
        answer = HttpResponse(status=200, headers={}, body=json.dumps(value).encode())
        finding = PROVIDERS[provider].resolve.read(sought, answer)
        for request in finding.requests if isinstance(finding, Ask) else ():
            assert urlsplit(request.url)[:2] == home[:2]


def looked_up(server, provider, sought):
    """A whole question: every Ask is followed."""
    lookup = PROVIDERS[provider].resolve
    open_requests = [lookup.start(sought)]
    while open_requests:
        finding = lookup.read(sought, answered(server, open_requests.pop(0)))
        if isinstance(finding, Ask):
            open_requests += finding.requests
        elif not isinstance(finding, Absent):
            return finding
    return Absent()


@pytest.mark.parametrize("provider", [name for name in APIS if name in ASKED])
@settings(max_examples=40)
@given(draft=drafts())
def test_the_id_that_is_planted_in_a_mail_is_the_one_that_is_found(provider, draft):
    """Sent to the provider's stand-in and asked for there, among mails to the same people."""
    draft = fitted(provider, draft)
    account = account_of(provider, {"base_url": "http://127.0.0.1:1"})
    server = APIS[provider](Inbox(lambda: STARTED_AT + 1.0), Conduct(), lambda: STARTED_AT + 2.0, Random(1))
    taken = {}
    for delivery_id in (ID, "em_other.0", "em_other.1"):
        response = answered(server, PROVIDERS[provider].build(draft, delivery_id, account))
        outcome = PROVIDERS[provider].read(response, account)
        assert outcome.kind is Kind.ACCEPTED
        taken[delivery_id] = outcome.provider_message_id
    for delivery_id, message_id in taken.items():
        sought = Sought(delivery_id=delivery_id, message=draft, account=account, started_at=STARTED_AT)
        assert_same_mail(provider, looked_up(server, provider, sought), message_id)
    never_sent = Sought(delivery_id="em_never.0", message=draft, account=account, started_at=STARTED_AT)
    assert not isinstance(looked_up(server, provider, never_sent), Found)


def assert_same_mail(provider, found, message_id):
    """Records may show no id, or that of another of its recipients: all but the last two characters are the mail's."""
    shows = about(provider).get("shows_id", "that of the answer")
    if shows == "not whose it is":
        assert isinstance(found, Unclear)
    elif shows == "one of each recipient":
        assert found.provider_message_id[:-2] == message_id[:-2]
    else:
        assert found == Found(None if shows == "none" else message_id)


@pytest.mark.parametrize("provider", [name for name in APIS if name in ASKED])
@pytest.mark.parametrize("jump_s", [-86_400.0, 86_400.0])
def test_a_mail_is_found_by_a_clock_that_was_wrong_by_a_day_if_that_is_allowed_for(provider, jump_s):
    account = account_of(provider, {"base_url": "http://127.0.0.1:1"})
    server = APIS[provider](Inbox(lambda: STARTED_AT + 1.0), Conduct(), lambda: STARTED_AT + 2.0, Random(1))
    draft = fitted(provider, DRAFT)
    answered(server, PROVIDERS[provider].build(draft, ID, account))
    sought = Sought(delivery_id=ID, message=draft, account=account, started_at=STARTED_AT + jump_s)
    allowed_for = replace(sought, clock_off_s=CLOCK_OFF_S_MAX)
    start = PROVIDERS[provider].resolve.start
    by_days = about(provider).get("searched_by_days")
    if start(sought) != start(allowed_for) and not by_days:  # else its search needs no window, or a wide one
        assert looked_up(server, provider, sought) == Absent()
    assert not isinstance(looked_up(server, provider, allowed_for), Absent)


PUT_OFF = [
    ("brevo", {"scheduledAt": "2026-01-02T00:00:00.000Z"}),
    ("mailersend", {"send_at": STARTED_AT + 86_400}),
    ("mailgun", {"o:deliverytime": "Fri, 02 Jan 2026 00:00:00 GMT"}),
    ("mandrill", {"send_at": "2026-01-02 00:00:00"}),
    ("sendgrid", {"send_at": STARTED_AT + 86_400}),
    ("sendgrid", {"personalizations": [{"send_at": STARTED_AT + 86_400}]}),
    ("sparkpost", {"options": {"start_time": "2026-01-02T00:00:00+00:00"}}),
]


@pytest.mark.parametrize(("provider", "options"), PUT_OFF)
def test_a_mail_that_a_provider_was_told_to_send_later_is_never_taken_for_absent(provider, options):
    """It is shown when it is due: sent elsewhere before that, it would be sent twice."""
    account = account_of(provider, {"base_url": "http://127.0.0.1:1"})
    server = APIS[provider](Inbox(lambda: STARTED_AT + 1.0), Conduct(), lambda: STARTED_AT + 2.0, Random(1))
    draft = fitted(provider, DRAFT)
    answered(server, PROVIDERS[provider].build(draft, "em_other.0", account))
    sought = Sought(delivery_id=ID, message=draft, account=account, started_at=STARTED_AT)
    assert looked_up(server, provider, sought) == Absent()
    later = replace(sought, message=replace(draft, provider_options={provider: options}))
    assert isinstance(looked_up(server, provider, later), Unclear)
