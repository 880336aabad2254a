"""The reconciliation sees each kind of broken promise."""

import pytest

from crash.books import Books, Caught, breaks, overslept, trails
from crash.load import Acknowledged
from crash.processes import LOOKS_APART_S, Blow

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


RESENT = trail(*TYPES[:2], "email.uncertain", "email.resolved", *TYPES[1:], resolved={"verdict": "absent"})


def copies(late_s):
    """Of one mail: the first one was read so much later than it had arrived."""
    return [Caught("em_1.0", "mail 1", 100.0, 100.0 + late_s), Caught("em_1.0", "mail 1", 104.0, 104.1)]


def test_a_mail_that_the_sandbox_read_after_it_had_denied_it_twice_is_no_break_and_is_told():
    late = books(events=RESENT, caught=copies(LOOKS_APART_S + 0.1))
    assert breaks(late) == []
    assert overslept(late) == ["00:01:40.000 em_1.0 (mail 1) arrived, and was read 6.800 s later"]


@pytest.mark.parametrize(
    ("events", "caught"),
    [
        (RESENT, copies(LOOKS_APART_S - 0.1)),
        (trail(*TYPES), copies(LOOKS_APART_S + 0.1)),
        (RESENT, [*copies(LOOKS_APART_S + 0.1), Caught("em_1.0", "mail 1", 104.0, 104.1)]),
    ],
    ids=["it was in time for the second look", "nobody has proven its absence", "there is one more"],
)
def test_no_other_copy_is_the_sandboxs_fault(events, caught):
    assert "em_1 (mail 1): acknowledged, and handed over 2 times" in breaks(books(events=events, caught=caught))


def test_a_break_is_told_with_its_trail_its_copies_and_what_was_done_to_the_processes():
    broken = books(caught=copies(1.0), blows=[Blow(99.5, "frozen", 4711)])
    told = trails(broken, breaks(broken))
    assert [line for line in told if not line.startswith("{")] == [
        "00:01:40.000 em_1.0 (mail 1) arrived, and was read 1.000 s later",
        "00:01:44.000 em_1.0 (mail 1) arrived, and was read 0.100 s later",
        "00:01:39.500 frozen 4711",
    ]
    assert len(told) == len(TYPES) + 3
