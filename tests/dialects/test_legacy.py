import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everpost.dialects import legacy
from everpost.model.delivery import Delivery, DeliveryState
from everpost.model.message import Address, Draft, Message
from everpost.model.problem import FieldError, Problem

GOOD = {"from": "ann@example.com", "to": "bob@example.org", "subject": "Hello", "text": "It works"}


def parsed(**fields):
    return legacy.parse(json.dumps(GOOD | fields).encode())


def test_to_takes_a_comma_list_with_names_or_a_list():
    bob, doe = Address("bob@example.org"), Address("ann@example.net", "Doe, Ann")
    assert parsed(to='bob@example.org, "Doe, Ann" <ann@example.net>').to == (bob, doe)
    assert parsed(to=["bob@example.org", '"Doe, Ann" <ann@example.net>']).to == (bob, doe)
    draft = parsed(cc="c@example.org", bcc=["d@example.org"], html="<p>x</p>")
    assert (draft.cc, draft.bcc) == ((Address("c@example.org"),), (Address("d@example.org"),))
    assert draft.html == "<p>x</p>"


CASES = {
    "bad recipient": ({"to": "bob"}, "to", "'bob'"),
    "bad one of many": ({"to": "bob@example.org, bob"}, "to[1]", "'bob'"),
    "bad one of a list": ({"to": ["bob@example.org", "a@b@c"]}, "to[1]", "a@b@c"),
    "bad sender": ({"from": "ann"}, "from", "'ann'"),
    "no sender": ({"from": None}, "from", "is missing"),
    "no recipient": ({"to": " , "}, "to", "is missing"),
    "no subject": ({"subject": None}, "subject", "is missing"),
    "line break in the subject": ({"subject": "a\r\nBcc: x@example.org"}, "subject", "control character"),
    "no text": ({"text": ""}, "text", "is missing"),
    "unknown field": ({"txt": "x"}, "txt", "did you mean"),
    "wrong type": ({"to": 5}, "to", "must be a string or a list"),
    "too many": ({"to": ["b@example.org"] * 1001}, "to", "1001 recipients"),
}


@pytest.mark.parametrize(("fields", "path", "words"), CASES.values(), ids=CASES)
def test_a_faulty_field_is_a_400_that_names_it(fields, path, words):
    problem = parsed(**fields)
    assert problem.status == 400
    [error] = problem.errors
    assert error.field == path
    assert words in error.message


def test_the_provider_to_set_is_a_name():
    assert legacy.parse_provider(b'{"provider": "first"}') == "first"
    assert [error.field for error in legacy.parse_provider(b"{}").errors] == ["provider"]
    assert legacy.parse_provider(b"first").code == "bad_json"
    assert legacy.parse_provider(b'{"provider": ""}').status == 400


@given(st.binary())
def test_no_body_makes_parse_raise(body):
    assert isinstance(legacy.parse(body), Draft | Problem)
    assert isinstance(legacy.parse_provider(body), str | Problem)


ANSWERS = {
    DeliveryState.SENT: (200, "success", None),
    DeliveryState.FAILED: (502, "error", "not_sent"),
    DeliveryState.CANCELLED: (502, "error", "cancelled"),
    DeliveryState.HELD: (502, "error", "held"),
    DeliveryState.QUEUED: (503, "error", "queued"),
    DeliveryState.SENDING: (503, "error", "queued"),
    DeliveryState.UNCERTAIN: (503, "error", "queued"),
}


@pytest.mark.parametrize("state", DeliveryState)
def test_every_state_has_an_answer_with_the_reason(state):
    message = Message(id="em_1", project="p", created_at=0.0, sender=Address("ann@example.com"))
    delivery = Delivery(
        id="em_1.0",
        message_id="em_1",
        project="p",
        state=state,
        due_at=None,
        account="first",
        reason="because",
        expires_at=1.0,
        created_at=0.0,
        updated_at=0.0,
    )
    status, answer = legacy.render(message, [delivery])
    assert (status, answer["status"], answer.get("code")) == ANSWERS[state]
    assert answer["id"] == "em_1"
    assert answer["provider"] == "first"
    assert "because" in answer["message"]
    assert (status == 503) == ("do not send it again" in answer["message"] and state is not DeliveryState.HELD)


def test_a_problem_is_told_in_one_sentence_and_by_field():
    problem = Problem(code="c", status=400, title="Bad", detail="very", errors=(FieldError("to", "is missing"),))
    told = legacy.render_problem(problem)
    assert told == {
        "status": "error",
        "code": "c",
        "message": "to: is missing",
        "errors": [{"field": "to", "message": "is missing"}],
    }
    assert legacy.render_problem(Problem(code="c", status=503, title="Bad", detail="very"))["message"] == "Bad: very"
