import csv
import io

import pytest
from msgspec.structs import replace

from everpost.dialects import tables
from everpost.dialects.faults import FAULTS_MAX
from everpost.dialects.native.render import render_event
from everpost.dialects.tables import IMPORTED, events_csv, read_suppressions, suppressions_csv
from everpost.model.event import Event, EventType, Recorded
from everpost.model.limits import REASON_CHARS_MAX, SUPPRESSION_LINES_MAX
from everpost.model.suppression import Source, SuppressionDraft

VIEW = {
    "address": "bob@example.org",
    "stream": "newsletter",
    "source": "unsubscribe",
    "reason": "they asked",
    "created_at": "2030-01-31T09:00:00Z",
    "expires_at": "2031-01-31T09:00:00Z",
}
GOOD = {"bob@example.org": "asked by phone", "ann@example.org": IMPORTED}
LISTS = {
    "as it is written": "bob@example.org,asked by phone\nann@example.org\n",
    "with titles": "address,reason\r\nbob@example.org,asked by phone\r\nann@example.org,\r\n",
    "with other titles and columns": "Email;why;when\nbob@example.org;asked by phone;today\nann@example.org;;\n",
    "from a spreadsheet": "\ufeffbob@example.org\tasked by phone\nann@example.org\t\n",
    "in capitals, with spaces and empty lines": "\n BOB@Example.org , asked by phone\n\n,\nann@example.org",
    "in quotes": '"bob@example.org","asked by phone"\n"ann@example.org"',
    "the last one counts": "bob@example.org,a\nann@example.org\nbob@example.org,asked by phone",
}


def reasons(found):
    assert all(
        (draft.stream, draft.source, draft.expires_at) == ("", "import", None) for draft in found.drafts.values()
    )
    return {address: draft.reason for (address, _), draft in found.drafts.items()}


@pytest.mark.parametrize("text", LISTS.values(), ids=LISTS)
def test_a_list_is_read_however_a_spreadsheet_writes_it(text):
    found = read_suppressions(text)
    assert (reasons(found), found.faulty, found.faults) == (GOOD, 0, [])


BAD = {
    "no address": ("nobody,x", "needs an @"),
    "no domain": ("bob@,x", "bob@"),
    "an empty address": (",why", "is empty"),
    "a control character": ("bob@example.org,a\x00b", "the reason contains a control character"),
    "a long reason": ("bob@example.org," + "x" * (REASON_CHARS_MAX + 1), "the reason has 501 characters"),
    "text behind a quote": ('"bob@example.org"x,why', "is no CSV"),
}


@pytest.mark.parametrize(("line", "words"), BAD.values(), ids=BAD)
def test_a_faulty_line_is_named_by_its_number_and_the_others_are_taken(line, words):
    found = read_suppressions(f"ann@example.org,a\n{line}\ncarol@example.org,c\n")
    assert reasons(found) == {"ann@example.org": "a", "carol@example.org": "c"}
    [fault] = found.faults
    assert (fault.line, found.faulty) == (2, 1)
    assert words in fault.message


def test_a_quote_that_never_ends_is_named():
    found = read_suppressions('ann@example.org,a\n"bob@example.org,b\ncarol@example.org')
    assert reasons(found) == {"ann@example.org": "a"}
    assert [fault.message for fault in found.faults] == ["is no CSV: unexpected end of data"]


def test_no_more_is_read_or_told_than_the_limits_say():
    line = "bob@example.org\n"
    assert read_suppressions(line * SUPPRESSION_LINES_MAX).faulty == 0
    for end in ("\n", "\r", "\r\n"):  # as some spreadsheet ends its lines
        assert "10000 lines" in read_suppressions(f"bob@example.org{end}" * (SUPPRESSION_LINES_MAX + 1))
    found = read_suppressions("nobody\n" * (FAULTS_MAX + 5))
    assert (found.faulty, len(found.faults)) == (FAULTS_MAX + 5, FAULTS_MAX)


FORMULAS = ("=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1")


@pytest.mark.parametrize("formula", FORMULAS)
def test_no_cell_is_a_formula_and_each_comes_back_as_it_was(formula):
    view = VIEW | {"address": "=bob@example.org", "reason": formula}
    text = suppressions_csv([view], titled=True).decode()
    _, row = csv.reader(io.StringIO(text, newline=""))
    assert not [cell for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    if formula.isprintable():
        [back] = read_suppressions(text).drafts.values()
        assert (back.address, back.reason) == ("=bob@example.org", formula)


def test_an_exported_list_comes_back_as_it_was_and_the_order_of_further_columns_does_not_matter():
    known = SuppressionDraft(
        address="bob@example.org",
        reason="they asked",
        stream="newsletter",
        source=Source.UNSUBSCRIBE,
        expires_at=1_927_616_400.0,
    )
    everything = VIEW | {"stream": None, "expires_at": None}
    text = suppressions_csv([VIEW, everything], titled=True).decode()
    found = read_suppressions(text).drafts
    assert found["bob@example.org", "newsletter"] == known
    assert found["bob@example.org", ""] == replace(known, stream="", expires_at=None)
    titles = "address,reason,Expires_At,x,SOURCE,stream"
    turned = f"{titles}\nbob@example.org,they asked,2031-01-31T09:00:00Z,,Unsubscribe,newsletter\n"
    assert read_suppressions(turned).drafts == {("bob@example.org", "newsletter"): known}


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        (",,,fax,", "the source must be one of bounce"),
        (",,,,soon", "expires_at"),
        (f",,{'x' * 129},,", "the stream has 129"),
    ],
)
def test_a_column_that_makes_no_sense_is_named(cells, words):
    found = read_suppressions(f"address,reason,stream,source,expires_at\nbob@example.org{cells}\n")
    [fault] = found.faults
    assert (fault.line, found.drafts) == (2, {})
    assert words in fault.message


def test_events_are_told_in_rows_with_titles_on_the_first_piece_alone():
    event = Event(
        id="em_1:1", type=EventType.SENT, at=0.0, project="shop", account="=a", message_id="em_1", data={"number": 1}
    )
    view = render_event(Recorded(7, event))
    titles, row = csv.reader(io.StringIO(events_csv([view], titled=True).decode()))
    assert tuple(titles) == tables.EVENT_COLUMNS
    told = dict(zip(titles, row, strict=True))
    assert told == {
        "sequence": "00000000000000000007",
        "time": "1970-01-01T00:00:00.000Z",
        "type": "dev.everpost.email.sent",
        "message_id": "em_1",
        "delivery_id": "",
        "account": "'=a",
        "project": "shop",
        "id": "em_1:1",
        "data": '{"number":1}',
    }
    assert events_csv([view], titled=False).decode().count("\n") == 1
