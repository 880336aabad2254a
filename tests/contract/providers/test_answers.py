"""What an answer means: every row of the providers' tables, and the rules that hold where they are silent."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import asdict, replace

from drafts import mangled
from everpost.model.limits import REASON_CHARS_MAX
from everpost.model.outcome import Kind, Outcome
from everpost.providers.contract import Fault, HttpRequest, HttpResponse, Phase, SmtpReply, SmtpStage, outcome_of
from everpost.providers.reading import RETRY_AFTER_S_MAX
from everpost.wiring import PROVIDERS
from provider_cases import DRAFT, NAMES, account_of, answer_of, built, cases, fitted

ANSWERS = cases("answers.json")
OVER_HTTP = [name for name in NAMES if isinstance(built(name, fitted(name, DRAFT)), HttpRequest)]
every = pytest.mark.parametrize("provider", NAMES)


def outcome(provider, answer):
    return outcome_of(PROVIDERS[provider], answer, account_of(provider))


@pytest.mark.parametrize("case", ANSWERS, ids=str)
def test_an_answer_is_read_as_its_outcome(case):
    answer = answer_of(case.value["answer"])
    found = outcome(case.provider, answer)
    status = answer.status if isinstance(answer, HttpResponse) else answer.code
    expected = {"status": status, "text": found.text} | case.value["outcome"]
    assert asdict(found) == asdict(Outcome(**expected | {"kind": Kind(expected["kind"])}))


@every
def test_each_row_of_a_table_decides_an_answer_of_the_fixtures(provider):
    idle = list(PROVIDERS[provider].rows)
    for case in ANSWERS:
        answer = answer_of(case.value["answer"])
        if case.provider == provider and (row := _deciding(provider, answer)) in idle:
            idle.remove(row)
    assert idle == []


def _deciding(provider, answer):
    """The first row of the table that fits, found from what the contract says of rows."""
    for row in PROVIDERS[provider].rows:
        if isinstance(answer, SmtpReply):
            fits = not row.where or answer.stage in row.where
            words = re.match(row.text, f"{answer.code} {answer.text}", re.IGNORECASE)
        else:
            fits = row.where == answer.status
            words = re.search(row.text, outcome(provider, answer).text, re.IGNORECASE)
        if fits and words:
            return row
    return None


@every
@pytest.mark.parametrize("phase", list(Phase))
@pytest.mark.parametrize(("maybe_sent", "kind"), [(True, Kind.UNKNOWN), (False, Kind.UNAVAILABLE)])
def test_without_an_answer_only_proof_counts(provider, phase, maybe_sent, kind):
    """DNS, connect, TLS and cut bodies come with proof; a time-out after the last byte does not."""
    found = outcome(provider, Fault(phase=phase, maybe_sent=maybe_sent, text="no answer"))
    assert (found.kind, found.text, found.account_fault) == (kind, f"{phase}: no answer", False)


# --- laws ------------------------------------------------------------------------------------------------------------

HEADERS = st.dictionaries(
    st.sampled_from(["content-type", "retry-after", "x-ratelimit-reset", "date", "x-message-id", "location"]),
    st.sampled_from(["text/html", "5", "-5", "9" * 400, "²", "Thu, 01 Jan 2026 00:00:00 GMT", "0, 1 2 3", ""])
    | st.text(),
)
WORDS = ["maximum credits exceeded", "Mailgun Magnificent API", "try again after 5 seconds", "bad request", "<html>"]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(WORDS),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["errors", "message", "id", "field"]) | st.text(), inner, max_size=3)
    ),
    max_leaves=6,
)


BODIES = st.binary(max_size=40) | VALUES.map(lambda value: json.dumps(value).encode())
STATUSES = st.integers(200, 599)


def responses(statuses):
    return st.builds(HttpResponse, status=statuses, headers=HEADERS, body=BODIES)


@pytest.mark.parametrize("provider", OVER_HTTP)
@given(response=responses(STATUSES))
def test_whatever_comes_over_http_has_a_meaning(provider, response):
    assert_a_meaning(provider, response)


@pytest.mark.parametrize("provider", OVER_HTTP)
@given(data=st.data())
def test_an_answer_of_its_own_with_something_else_in_any_place_has_a_meaning(provider, data):
    told = data.draw(st.sampled_from([case.value["answer"] for case in ANSWERS if case.provider == provider]))
    response = answer_of(told | {"body": data.draw(mangled(told.get("body", "")))} if "body" in told else told)
    status = data.draw(st.just(response.status) | st.sampled_from([200, 201, 202, 400, 422, 429]))
    assert_a_meaning(provider, replace(response, status=status))


def assert_a_meaning(provider, response):
    found = outcome(provider, response)
    assert found.status == response.status
    assert len(found.text) <= REASON_CHARS_MAX
    if found.kind is Kind.ACCEPTED:
        assert 200 <= response.status < 300
        assert found.provider_message_id
    if found.account_fault:
        assert found.kind is Kind.REFUSED
    if found.retry_after_s is not None:
        assert found.kind is Kind.THROTTLED
        assert 0 <= found.retry_after_s <= RETRY_AFTER_S_MAX


@pytest.mark.parametrize("provider", OVER_HTTP)
@given(response=responses(st.sampled_from([301, 302, 307, 308, 500, 502, 504, 520, 524])))
def test_what_may_have_been_taken_is_unknown_whatever_the_words(provider, response):
    assert outcome(provider, response).kind is Kind.UNKNOWN


@pytest.mark.parametrize("provider", OVER_HTTP)
@given(status=STATUSES, page=st.sampled_from([b"", b"<html></html>", b"\xff\xfe", b"nope"]))
def test_only_the_providers_own_words_end_a_mail_for_good(provider, status, page):
    strange = HttpResponse(status=status, headers={"content-type": "text/html"}, body=page)
    assert outcome(provider, strange).kind not in (Kind.REJECTED, Kind.ACCEPTED)


@given(
    stage=st.sampled_from(SmtpStage),
    code=st.integers(100, 599),
    text=st.text() | st.from_regex(r"[245]\.[0-9]\.[0-9]{1,2} [a-z ]{0,20}", fullmatch=True),
)
def test_whatever_an_smtp_server_replies_has_a_meaning(stage, code, text):
    found = outcome("smtp", SmtpReply(stage=stage, code=code, text=text))
    taken = stage is SmtpStage.DOT and 200 <= code < 300
    refused = 400 <= code < 600
    assert (found.kind is Kind.ACCEPTED) == taken
    assert (found.kind is Kind.UNKNOWN) == (stage is SmtpStage.DOT and not taken and not refused)
    assert (found.status, found.text) == (code, f"{stage}: {text}"[:REASON_CHARS_MAX])
    assert not found.account_fault or found.kind is Kind.REFUSED
