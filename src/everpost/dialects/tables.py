"""Lists as files: CSV (RFC 4180), and JSON by the line."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal, get_args

import msgspec
from msgspec import Struct

from everpost.dialects.addresses import address_of
from everpost.dialects.faults import FAULTS_MAX, Faults
from everpost.dialects.fields import check_filled, read_stream
from everpost.dialects.native.views import EventView
from everpost.dialects.times import read_instant
from everpost.model.limits import REASON_CHARS_MAX, SUPPRESSION_LINES_MAX
from everpost.model.suppression import Source, SuppressionDraft

_Column = Literal["address", "reason", "created_at", "stream", "source", "expires_at"]
SUPPRESSION_COLUMNS: Final[tuple[_Column, ...]] = get_args(_Column)
EVENT_COLUMNS: Final = ("sequence", "time", "type", "message_id", "delivery_id", "account", "project", "id", "data")
IMPORTED: Final = "imported"  # the reason where none is given
_ABOUT: Final = ("message_id", "delivery_id", "account", "project")
_PLAIN: Final = ("address", "reason")  # what a list without titles has
_TITLES: Final = frozenset({"address", "email", "e-mail"})
_SEPARATORS: Final = ",;\t"  # of spreadsheets in several languages
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_GUARD: Final = "'"
_JSON: Final = msgspec.json.Encoder()


class LineFault(Struct, frozen=True):
    line: int  # counted from 1
    message: str


class Imported(Struct):
    """What a list says in its good lines, and what is wrong with the others."""

    drafts: dict[tuple[str, str], SuppressionDraft]  # by address in lower case, and stream: the last one counts
    faults: list[LineFault]  # of the first lines that are faulty
    faulty: int = 0  # how many lines are

    def refuse(self, line: int, message: str) -> None:
        self.faulty += 1
        if len(self.faults) < FAULTS_MAX:
            self.faults.append(LineFault(line, message))


def read_suppressions(text: str) -> Imported | str:
    """Lines of an address, its reason and whatever follows, of which the titles tell what it is; or why the list can't
    be taken at all. Empty lines are passed over."""
    text = text.removeprefix("\ufeff")
    first = text.partition("\n")[0]
    separator = next((each for each in _SEPARATORS if each in first), ",")
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    found = Imported({}, [])
    titles: Sequence[str] = _PLAIN
    while True:
        try:
            row = next(rows, None)
        except csv.Error as error:
            found.refuse(rows.line_num, f"is no CSV: {error}")
            row = []
        if row is None:
            return found
        if rows.line_num > SUPPRESSION_LINES_MAX:
            return f"has more than {SUPPRESSION_LINES_MAX} lines; send it in parts"
        cells = [cell.strip() for cell in row]
        if rows.line_num == 1 and cells and cells[0].lower() in _TITLES:
            titles = (*_PLAIN, *(cell.lower() for cell in cells[len(_PLAIN) :]))
        elif any(cells):
            _read_line(dict(zip(titles, map(_bare, cells), strict=False)), rows.line_num, found)


def _read_line(cells: Mapping[str, str], line: int, found: Imported) -> None:
    address = address_of(cells["address"])
    if isinstance(address, str):
        found.refuse(line, address)
        return
    faults = Faults()
    draft = SuppressionDraft(
        address=address.email.lower(),
        reason=cells.get("reason") or IMPORTED,
        stream=read_stream(cells.get("stream") or None, faults),
        source=_source(cells.get("source"), faults),
        expires_at=read_instant(cells.get("expires_at") or None, "expires_at", faults),
    )
    check_filled(draft.reason, REASON_CHARS_MAX, "reason", faults)
    if faults:
        fault = faults.problem().errors[0]
        found.refuse(line, f"the {fault.field} {fault.message}")
    else:
        found.drafts[draft.address, draft.stream] = draft


def _source(told: str | None, faults: Faults) -> Source:
    if not told:
        return Source.IMPORT
    try:
        return Source(told.lower())
    except ValueError:
        faults.add("source", f"must be one of {', '.join(Source)}")
        return Source.IMPORT


def suppressions_csv(views: Iterable[Mapping[str, object]], *, titled: bool) -> bytes:
    """Of views as the API gives them."""
    rows = ([str(view[name] or "") for name in SUPPRESSION_COLUMNS] for view in views)
    return _csv(SUPPRESSION_COLUMNS if titled else None, rows)


def events_csv(views: Iterable[EventView], *, titled: bool) -> bytes:
    return _csv(EVENT_COLUMNS if titled else None, map(_event_row, views))


def lines(views: Iterable[Mapping[str, Any]]) -> bytes:
    """One JSON text a line."""
    return b"".join(_JSON.encode(view) + b"\n" for view in views)


def _event_row(view: EventView) -> Sequence[str]:
    data = dict(view["data"])
    about = [str(data.pop(name, "")) for name in _ABOUT]
    return (view["sequence"], view["time"], view["type"], *about, view["id"], _JSON.encode(data).decode())


def _csv(titles: Sequence[str] | None, rows: Iterable[Sequence[str]]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    if titles is not None:
        writer.writerow(titles)
    writer.writerows([_guarded(cell) for cell in row] for row in rows)
    return out.getvalue().encode()


def _guarded(cell: str) -> str:
    """No spreadsheet takes it for a formula (CWE-1236)."""
    return _GUARD + cell if cell.startswith(_FORMULA) else cell


def _bare(cell: str) -> str:
    """As it was before it was guarded."""
    return cell[1:] if cell.startswith(_GUARD) and cell[1:].startswith(_FORMULA) else cell
