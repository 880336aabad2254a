"""Lists as files: CSV (RFC 4180), and JSON by the line."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct

from everpost.dialects.addresses import address_of
from everpost.dialects.faults import FAULTS_MAX, Faults
from everpost.dialects.fields import check_filled
from everpost.dialects.native_views import EventView, SuppressionView
from everpost.model.limits import REASON_CHARS_MAX, SUPPRESSION_LINES_MAX

SUPPRESSION_COLUMNS: Final = ("address", "reason", "created_at")
EVENT_COLUMNS: Final = ("sequence", "time", "type", "message_id", "delivery_id", "account", "project", "id", "data")
IMPORTED: Final = "imported"  # the reason where none is given
_ABOUT: Final = ("message_id", "delivery_id", "account", "project")
_TITLES: Final = frozenset({"address", "email", "e-mail"})
_SEPARATORS: Final = ",;\t"  # of spreadsheets in several languages
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_GUARD: Final = "'"
_JSON: Final = msgspec.json.Encoder()


class LineFault(Struct, frozen=True):
    line: int  # counted from 1
    message: str


class Imported(Struct):
    """What a list says: addresses that are good, with their reasons, and what is wrong with the other lines."""

    reasons: dict[str, str]  # by address in lower case
    faults: list[LineFault]  # of the first lines that are faulty
    faulty: int = 0  # how many lines are

    def refuse(self, line: int, message: str) -> None:
        self.faulty += 1
        if len(self.faults) < FAULTS_MAX:
            self.faults.append(LineFault(line, message))


def read_suppressions(text: str) -> Imported | str:
    """Lines of an address, its reason and whatever follows; or why the list can't be taken at all. Its titles, if it
    has any, and empty lines are passed over."""
    text = text.removeprefix("\ufeff")
    first = text.partition("\n")[0]
    separator = next((each for each in _SEPARATORS if each in first), ",")
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    found = Imported({}, [])
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
        if any(cells) and not (rows.line_num == 1 and cells[0].lower() in _TITLES):
            _read_line(cells, rows.line_num, found)


def _read_line(cells: Sequence[str], line: int, found: Imported) -> None:
    address = address_of(_bare(cells[0]))
    if isinstance(address, str):
        found.refuse(line, address)
        return
    reason = _bare(cells[1]) if len(cells) > 1 and cells[1] else IMPORTED
    faults = Faults()
    check_filled(reason, REASON_CHARS_MAX, "reason", faults)
    if faults:
        found.refuse(line, f"the reason {faults.problem().errors[0].message}")
    else:
        found.reasons[address.email.lower()] = reason


def suppressions_csv(views: Iterable[SuppressionView], *, titled: bool) -> bytes:
    rows = ((view["address"], view["reason"], view["created_at"]) for view in views)
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
