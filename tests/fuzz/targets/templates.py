"""A template and its data become a text within bounds, or a fault in words of one line; in html, no value ends what it
stands in.

The input is a source, a NUL, and data as JSON; without sense in it, data of every kind.
"""

import msgspec

from everpost.core.templating.faults import TemplateFault
from everpost.core.templating.parsing import parse
from everpost.core.templating.rendering import Budget, render
from everpost.model.limits import TEMPLATE_OUTPUT_CHARS_MAX

DATA = {"a": [1, "<b>", {"b": None, "a": []}], "b": {"a": "\"'`=<>&", "b": True}, "c": 1.5, "d": "{{a}}"}
HOSTILE = "<>\"'`="


def check(data):
    source, _, given = data.decode("utf-8", "replace").partition("\0")
    values = data_of(given)
    for strict in (False, True):
        written = filled(source, values, strict=strict)
        assert len(written) <= TEMPLATE_OUTPUT_CHARS_MAX
    shown = filled("{{v}}", {"v": source}, strict=True)
    assert not set(shown) & set(HOSTILE)
    assert "{{" in source or filled(source, values, strict=True) == source


def data_of(text):
    try:
        return msgspec.json.decode(text, type=dict)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return DATA


def filled(source, values, *, strict):
    try:
        written, told = render(parse(source), values, Budget(), escapes=True, strict=strict), "line 1"
    except TemplateFault as fault:
        written, told = "", str(fault)
    assert told.startswith("line ")
    assert "\n" not in told
    return written
