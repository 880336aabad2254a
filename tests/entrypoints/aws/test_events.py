"""Requests in AWS's events, and answers in its results."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everpost.entrypoints.aws.events import Answered, BrokenEvent, read_nudges, read_request, render
from lambda_kit import CLOCK_EVENT, http_event, queue_event, rest_event

TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
JSON = (b"content-type", b"application/json")


def test_a_request_by_a_rest_api_is_read():
    event = rest_event("POST", "/v1/emails", '{"a":"ü"}', headers={"Content-Type": "application/json", "X-A": "1"})
    asked = read_request(event)
    assert (asked.version, asked.method, asked.path, asked.query) == ("1.0", "POST", "/v1/emails", b"")
    assert asked.body == '{"a":"ü"}'.encode()
    assert asked.headers == [JSON, (b"x-a", b"1"), (b"content-length", b"10")]


def test_a_request_by_an_http_api_or_a_function_url_is_read():
    event = http_event("GET", "/v1/emails", rawQueryString="limit=2&tag=a%20b", headers={"accept": "*/*"})
    asked = read_request(event)
    assert (asked.version, asked.method, asked.path) == ("2.0", "GET", "/v1/emails")
    assert asked.query == b"limit=2&tag=a%20b"
    assert (asked.headers, asked.body) == ([(b"accept", b"*/*")], b"")


@pytest.mark.parametrize("make", [rest_event, http_event])
def test_a_binary_body_comes_in_base64(make):
    event = make("POST", "/x", base64.b64encode(b"\x00\xff").decode(), isBase64Encoded=True)
    assert read_request(event).body == b"\x00\xff"


@pytest.mark.parametrize("make", [rest_event, http_event])
def test_a_length_is_that_of_the_body_as_it_is_here(make):
    told = {"Content-Length": "9999", "Transfer-Encoding": "chunked"}
    assert read_request(make("POST", "/x", "abc", headers=told)).headers == [(b"content-length", b"3")]
    assert read_request(make("GET", "/x", headers=told)).headers == []


def test_repeated_headers_and_parameters_of_a_rest_api_stay_apart():
    event = rest_event(
        "GET",
        "/x",
        multiValueHeaders={"Prefer": ["wait=1", "respond-async"]},
        multiValueQueryStringParameters={"tag": ["a b", "c&d"], "limit": ["1"]},
    )
    asked = read_request(event)
    assert asked.headers == [(b"prefer", b"wait=1"), (b"prefer", b"respond-async")]
    assert asked.query == b"tag=a+b&tag=c%26d&limit=1"


def test_an_event_with_single_values_alone_is_read():
    event = rest_event("GET", "/x", headers={"A": "1"}, queryStringParameters={"b": "2"})
    asked = read_request({**event, "multiValueHeaders": None})
    assert (asked.headers, asked.query) == ([(b"a", b"1")], b"b=2")


def test_cookies_of_an_http_api_are_headers():
    asked = read_request(http_event("GET", "/x", cookies=["a=1", "b=2"]))
    assert asked.headers == [(b"cookie", b"a=1"), (b"cookie", b"b=2")]


USUAL = "abcde12345.execute-api.eu-central-1.amazonaws.com"
PATHS = [
    ({"stage": "$default", "domainName": USUAL}, "/v1/emails", "/v1/emails"),
    ({"stage": "prod", "domainName": USUAL}, "/prod/v1/emails", "/v1/emails"),
    ({"stage": "v1", "domainName": USUAL}, "/v1/v1/emails", "/v1/emails"),
    ({"stage": "prod", "domainName": USUAL}, "/production/x", "/production/x"),
    ({"stage": "prod", "domainName": USUAL}, "/prod", "/"),
    ({"stage": "v1", "domainName": "mail.example.com"}, "/v1/emails", "/v1/emails"),
]


@pytest.mark.parametrize(("context", "raw", "path"), PATHS)
def test_the_stage_of_an_http_api_is_no_part_of_the_path(context, raw, path):
    assert read_request(http_event("GET", raw, context=context)).path == path


def test_the_path_of_a_rest_api_is_without_its_stage_already():
    event = rest_event("GET", "/v1/emails")
    event["requestContext"]["stage"] = "v1"
    assert read_request(event).path == "/v1/emails"


@pytest.mark.parametrize("make", [rest_event, http_event])
def test_the_path_of_the_public_address_is_left_out(make):
    assert read_request(make("GET", "/everpost/v1/emails"), "/everpost").path == "/v1/emails"
    assert read_request(make("GET", "/everposts"), "/everpost").path == "/everposts"


@pytest.mark.parametrize("make", [rest_event, http_event])
def test_a_path_is_decoded(make):
    assert read_request(make("GET", "/v1/suppressions/a%2Bb%40example.com")).path == "/v1/suppressions/a+b@example.com"


def test_a_trace_of_x_ray_is_told_in_w3cs_form():
    headers = dict(read_request(http_event("GET", "/x", headers={"x-amzn-trace-id": TRACE})).headers)
    assert headers[b"traceparent"] == b"00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01"


def test_a_trace_that_only_begins_at_the_gateway_has_a_span_and_is_not_sampled():
    event = http_event("GET", "/x", headers={"x-amzn-trace-id": "Root=1-5759e988-bd862e3fe1be46a994272793"})
    headers = dict(read_request(event).headers)
    assert headers[b"traceparent"] == b"00-5759e988bd862e3fe1be46a994272793-bd862e3fe1be46a9-00"


@pytest.mark.parametrize("given", [{"traceparent": "mine", "x-amzn-trace-id": TRACE}, {"x-amzn-trace-id": "Self=1"}])
def test_a_trace_of_the_caller_stays_and_none_is_made_up(given):
    headers = dict(read_request(http_event("GET", "/x", headers=given)).headers)
    assert headers.get(b"traceparent", b"").decode() == given.get("traceparent", "")


BROKEN = [
    (None, "NoneType"),
    ([], "list"),
    ({}, "'requestContext' is missing"),
    (CLOCK_EVENT, "'requestContext' is missing"),
    ({"httpMethod": "GET"}, "'path' is missing"),
    ({"requestContext": {"http": {}}, "headers": {}}, "'method' is missing"),
    (http_event("POST", "/x", "no base64!", isBase64Encoded=True), "is said to be base64"),
    (http_event("POST", "/x", headers={"a": 1}), "'int'"),
    ({**rest_event("GET", "/x"), "multiValueHeaders": {"a": [None]}}, "'NoneType'"),
]


@pytest.mark.parametrize(("event", "told"), BROKEN)
def test_an_event_that_is_no_request_is_told(event, told):
    with pytest.raises(BrokenEvent, match=told):
        read_request(event)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


PARTS = (
    *("httpMethod", "path", "headers", "multiValueHeaders", "multiValueQueryStringParameters", "body", "cookies"),
    *("queryStringParameters", "requestContext", "rawPath", "rawQueryString", "isBase64Encoded"),
)


def told(read, event):
    """What was read, or the refusal; anything else is a bug."""
    try:
        return read(event)
    except BrokenEvent as refusal:
        return refusal


@given(
    make=st.sampled_from([rest_event, http_event]),
    changes=st.dictionaries(st.sampled_from(PARTS), VALUES, max_size=3),
)
def test_whatever_stands_in_an_event_it_is_a_request_or_is_told_to_be_none(make, changes):
    asked = told(read_request, {**make("POST", "/x", "{}"), **changes})
    if isinstance(asked, BrokenEvent):
        assert "payload format" in str(asked)
        return
    assert isinstance(asked.method, str)
    assert isinstance(asked.path, str)
    assert all(isinstance(part, bytes) for field in asked.headers for part in field)
    assert isinstance(asked.query, bytes)


@given(event=VALUES)
def test_whatever_calls_deliver_it_is_a_call_or_is_told_to_be_none(event):
    nudges = told(read_nudges, event)
    assert isinstance(nudges, BrokenEvent) or all(isinstance(nudge, str) for nudge in nudges)


def test_a_textual_answer_is_text():
    answered = Answered(status=200, headers=(JSON, (b"content-length", b"2"), (b"connection", b"close")), body=b"{}")
    assert render(answered, "2.0") == {
        "statusCode": 200,
        "headers": {"content-type": "application/json"},
        "body": "{}",
        "isBase64Encoded": False,
    }
    assert render(answered, "1.0")["multiValueHeaders"] == {"content-type": ["application/json"]}


@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize(
    "headers",
    [
        ((b"content-type", b"image/png"),),
        ((b"content-type", b"text/css; charset=utf-8"), (b"content-encoding", b"gzip")),
    ],
)
def test_a_binary_answer_goes_out_in_base64(version, headers):
    answered = Answered(status=200, headers=headers, body=b"\x89PNG\xff")
    told = render(answered, version)
    assert told["isBase64Encoded"]
    assert base64.b64decode(told["body"]) == b"\x89PNG\xff"


@pytest.mark.parametrize("kind", [b"application/problem+json", b"text/html; charset=utf-8", b"application/json"])
def test_whatever_the_api_answers_is_text(kind):
    answered = Answered(status=200, headers=((b"content-type", kind),), body="ü".encode())
    assert render(answered, "1.0")["body"] == "ü"


def test_repeated_headers_of_an_answer_are_kept():
    answered = Answered(status=204, headers=((b"set-cookie", b"a=1"), (b"set-cookie", b"b=2"), (b"x", b"1")), body=b"")
    assert render(answered, "1.0")["multiValueHeaders"] == {"set-cookie": ["a=1", "b=2"], "x": ["1"]}
    assert render(answered, "2.0")["cookies"] == ["a=1", "b=2"]
    assert render(answered, "2.0")["headers"] == {"x": "1"}


def test_results_are_json():
    answered = Answered(status=404, headers=(JSON,), body=b"{}")
    assert [json.loads(json.dumps(told)) == told for told in (render(answered, "1.0"), render(answered, "2.0"))]


def test_messages_call_by_their_ids_and_a_clock_by_none():
    assert read_nudges(queue_event("a", "b")) == ["a", "b"]
    assert read_nudges(CLOCK_EVENT) == []
    assert read_nudges({}) == []


@pytest.mark.parametrize("event", [None, [], {"Records": [{}]}, {"Records": 1}, {"Records": ["x"]}])
def test_what_is_no_batch_of_messages_is_told(event):
    with pytest.raises(BrokenEvent):
        read_nudges(event)
