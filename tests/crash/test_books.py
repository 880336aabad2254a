"""The reconciliation sees each kind of broken promise."""

import pytest

from crash.books import Books, Caught, breaks
from crash.load import Acknowledged

ONE = Acknowledged(number=1, key="key-1", id="em_1")
TYPES = ("email.accepted", "email.attempted", "email.sent")


def trail(*types, of="em_1", **more):
    """An audit trail of one delivery; `more` gives an event data of its own, by its type's last word."""
    numbers = iter(range(1, 100))
    return [
        {
            "sequence": f"{position:020d}",
            "id": f"{of}:{position}",
            "type": f"dev.everpost.{type_}",
            "data": {"delivery_id": f"{of}.0"}
            | ({"number": next(numbers)} if type_ == "email.attempted" else {})
            | more.get(type_.partition(".")[2], {}),
        }
        for position, type_ in enumerate(types, 1)
    ]


def books(**changed):
    kept = {
        "promised": [ONE],
        "caught": [Caught("em_1.0", "mail 1")],
        "states": {"em_1": "sent"},
        "events": trail(*TYPES),
        "by_state": {"sent": 1, "queued": 0},
        "unaccounted": 0,
    }
    return Books(**kept | changed)


def test_kept_promises_are_no_breaks():
    assert breaks(books()) == []


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"caught": []}, "em_1 (mail 1): acknowledged, and handed over 0 times"),
        ({"caught": [Caught("em_1.0", "mail 1")] * 2}, "handed over 2 times"),
        ({"caught": [Caught("em_1.0", "mail 1"), Caught("em_2.0", "mail 1")]}, "mail 1: caught 2 times"),
        ({"caught": [Caught("em_1.0", "mail 1"), Caught("em_9.0", "mail 9")]}, "em_9.0 (mail 9): caught, but"),
        ({"states": {}, "by_state": {}}, "acknowledged, but the server knows nothing of it"),
        ({"promised": [ONE, Acknowledged(number=1, key="key-1", id="em_2")]}, "key-1: answered with"),
        ({"events": trail(*TYPES)[1:]}, "the audit trail has gaps"),
        ({"events": trail(*TYPES[1:])}, "its trail begins with ['email.attempted']"),
        ({"events": trail(*TYPES[:2])}, "its trail has the endings []"),
        ({"events": trail(*TYPES, "email.sent")}, "its trail has the endings ['email.sent', 'email.sent']"),
        ({"events": trail(*TYPES, "email.uncertain")}, "its trail has the endings ['email.sent']"),
        ({"events": trail(*TYPES[:2], "email.failed")}, "its trail ends with email.failed, its state is sent"),
        ({"events": trail(*TYPES[:2], *TYPES[1:])}, "attempt 2 began while the one before it was open"),
        ({"events": trail(*TYPES, attempted={"number": 2})}, "its attempts are [2]"),
        (
            {"events": trail(*TYPES[:2], "email.resolved", *TYPES[1:], resolved={"verdict": "unresolved"})},
            "attempt 2 began while the one before it was open",
        ),
        ({"states": {"em_1": "sent", "em_2": "sent"}}, "em_2: its trail begins with []"),
        ({"by_state": {"sent": 2}}, "the server counts {'sent': 2} and lists {'sent': 1}"),
        ({"unaccounted": 1}, "1 deliveries are in no state"),
    ],
)
def test_a_broken_promise_is_told(changed, words):
    assert words in "\n".join(breaks(books(**changed)))


def test_an_attempt_after_a_proven_absence_is_fine():
    kept = trail(*TYPES[:2], "email.uncertain", "email.resolved", *TYPES[1:], resolved={"verdict": "absent"})
    assert breaks(books(events=kept)) == []
