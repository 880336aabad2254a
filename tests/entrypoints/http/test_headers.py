import pytest

from everpost.entrypoints.http import headers
from everpost.model.problem import Problem

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ([], None),
        (["order-1"], "order-1"),
        (['"order-1"'], "order-1"),
        ([r'"a\"b\\c"'], r'a"b\c'),
        (["k" * 256], "k" * 256),
        (["a,b;c=d"], "a,b;c=d"),
    ],
)
def test_an_idempotency_key_may_be_bare_or_quoted(values, key):
    assert headers.read_idempotency_key(values) == key


@pytest.mark.parametrize(
    "values", [[""], ["k" * 257], ["a b"], ['"a b"'], ['""'], ['"open'], [r'"\x"'], ["é"], ["a", "a"], ["\x7f"]]
)
def test_any_other_idempotency_key_is_a_problem(values):
    refused = headers.read_idempotency_key(values)
    assert isinstance(refused, Problem)
    assert refused.code == "bad_header"


@pytest.mark.parametrize(
    ("values", "wait_s"),
    [
        ([], None),
        (["wait=10"], 10),
        (["respond-async, WAIT = 10;x=1"], 10),
        (["return=minimal", 'wait="7"'], 7),
        (["wait=100000"], 60),
        (["wait=0"], None),
        (["wait=-1"], None),
        (["wait=soon"], None),
        (["await=5"], None),
    ],
)
def test_prefer_wait_is_capped_and_ignored_when_not_understood(values, wait_s):
    assert headers.read_wait(values) == wait_s


@pytest.mark.parametrize(
    ("given", "valid"),
    [
        (TRACE, True),
        ("01" + TRACE[2:] + "-more", True),
        (None, False),
        (TRACE.upper(), False),
        (TRACE + "-more", False),
        ("ff" + TRACE[2:], False),
        ("00-" + "0" * 32 + "-b7ad6b7169203331-01", False),
        ("00-0af7651916cd43dd8448eb211c80319c-" + "0" * 16 + "-01", False),
        (TRACE + "\n", False),
    ],
)
def test_only_a_valid_traceparent_is_passed_on(given, valid):
    assert headers.read_trace(given) == (given if valid else None)


@pytest.mark.parametrize(
    ("given", "version"), [(None, None), ('"3"', 3), ('W/"3"', 3), ("3", Problem), ("*", Problem), ('"x"', Problem)]
)
def test_if_match_holds_a_version(given, version):
    read = headers.read_version(given)
    assert isinstance(read, Problem) if version is Problem else read == version


@pytest.mark.parametrize("given", ["", "a b", "x" * 129, "a\nb", None])
def test_a_request_id_unfit_for_a_log_is_not_taken_over(given):
    assert headers.read_request_id(given) is None
    assert headers.read_request_id("req-1/a:b") == "req-1/a:b"
