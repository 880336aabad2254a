"""Reads a JSON body into a typed value and names everything that is wrong with it at once.

A good body costs one typed decode. A bad one is gone through field by field: whatever has the wrong type is named and
replaced by something neutral, so that the checks that follow can still look at the rest.
"""

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeVar

import msgspec
from msgspec import inspect

from everpost.model.limits import JSON_VALUES_MAX
from everpost.model.problem import FieldError, Problem

FAULTS_MAX: Final = 100
"""Faults told of one body; who reads the first hundred has understood."""

_T = TypeVar("_T")
_PLAIN_KEY: Final = re.compile(r"[A-Za-z0-9_-]{1,80}")
_BYTE: Final = re.compile(r"(.*) \(byte (\d+)\)")
_INNER_PATH: Final = re.compile(r" - at `.*`")
_REST_OF_STRING: Final = re.compile(rb'(?:[^"\\]*\\.){0,1000}[^"\\]*("?)', re.DOTALL)
_FORM: Final = re.compile(rb"[\w.%+-]{1,80}=")
_SHOWN_CHARS_MAX: Final = 80
_FLOAT_BITS: Final = range(64)  # whole numbers that are surely a float, too
_NEUTRAL: Final[Mapping[type[inspect.Type], Any]] = {
    inspect.StrType: "",
    inspect.IntType: 0,
    inspect.FloatType: 0.0,
    inspect.BoolType: False,
}
_NAMES: Final[Mapping[type[inspect.Type], str]] = {
    inspect.StrType: "a string",
    inspect.IntType: "a whole number",
    inspect.FloatType: "a number",
    inspect.BoolType: "true or false",
    inspect.ListType: "a list",
    inspect.VarTupleType: "a list",
    inspect.StructType: "an object",
    inspect.DictType: "an object",
    inspect.NoneType: "null",
}


class Faults:
    """What is wrong with a request: the first complaint about each field, in the order in which they were found."""

    def __init__(self) -> None:
        self._found: dict[str, str] = {}

    def __bool__(self) -> bool:
        return bool(self._found)

    @property
    def are_enough(self) -> bool:
        """Nothing more is told."""
        return len(self._found) >= FAULTS_MAX

    def add(self, path: str, message: str) -> None:
        """Complains about a field, unless it or what it is part of has been complained about."""
        if not self.are_enough and not any(part in self._found for part in _lineage(path)):
            self._found[path] = message

    def problem(self, title: str = "The request has faulty fields") -> Problem:
        errors = tuple(FieldError(path, message) for path, message in self._found.items())
        detail = "every faulty field is listed under `errors`; nothing was accepted"
        return Problem(code="validation_failed", status=422, title=title, detail=detail, errors=errors)


def decode(body: bytes, decoder: msgspec.json.Decoder[_T], faults: Faults) -> _T | Problem:
    """The typed value of a body. With faults added it is what could be read of it, and only fit for further checks.
    A body that is not a JSON object is a problem by itself, and so is one that would fill the memory."""
    if _has_too_many_values(body):
        detail = f"the body has more than {JSON_VALUES_MAX} values"
        return Problem(code="body_too_large", status=413, title="The body is too large", detail=detail)
    try:
        return decoder.decode(body)
    except msgspec.ValidationError:
        return _mended(body, decoder, faults)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        return _not_json(body, error)


def _has_too_many_values(body: bytes) -> bool:
    """A JSON text of one byte a value takes thirty times its size in memory. Each value but the first of its list or
    object follows a comma; those within strings don't count."""
    if body.count(b",") < JSON_VALUES_MAX:
        return False
    count = at = 0
    while count < JSON_VALUES_MAX:
        quote = body.find(b'"', at)
        count += body.count(b",", at, quote if quote >= 0 else len(body))
        if quote < 0:
            return count >= JSON_VALUES_MAX
        at = _end_of_string(body, quote + 1)
    return True


def _end_of_string(body: bytes, at: int) -> int:
    """Where the string whose inside begins at `at` has ended."""
    while True:
        rest = _REST_OF_STRING.match(body, at)
        if rest is None or rest[1] or rest.end() == at:
            return at + 1 if rest is None else max(rest.end(), at + 1)
        at = rest.end()


def key_path(parent: str, key: str) -> str:
    """The path of an entry of a map whose keys are the caller's: `metadata.order`, `headers["odd key"]`."""
    return f"{parent}.{key}" if _PLAIN_KEY.fullmatch(key) else f"{parent}[{quoted(key)}]"


def quoted(text: str) -> str:
    """A piece of the caller's text as it may stand in a message: short, in quotes, controls escaped."""
    short = text if len(text) <= _SHOWN_CHARS_MAX else text[:_SHOWN_CHARS_MAX] + "…"
    return msgspec.json.encode(short).decode()


def unknown(name: str, known: Iterable[str]) -> str:
    """The complaint about a name that is none of the known ones."""
    names = sorted(known)
    near = difflib.get_close_matches(name[:_SHOWN_CHARS_MAX].lower(), names, n=1, cutoff=0.5)
    return f"unknown; did you mean `{near[0]}`?" if near else f"unknown; known are: {', '.join(names)}"


def _mended(body: bytes, decoder: msgspec.json.Decoder[_T], faults: Faults) -> _T | Problem:
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        return _not_json(body, error)
    if not isinstance(value, dict):
        detail = f"the body is {_shape(value)}; send a JSON object"
        return Problem(code="bad_json", status=400, title="The body is not a JSON object", detail=detail)
    mended = _mend(value, inspect.type_info(decoder.type), "", faults)
    return msgspec.convert(mended, decoder.type)


def _mend(value: Any, wanted: inspect.Type, path: str, faults: Faults) -> Any:
    """`value` with everything that does not fit `wanted` named and replaced."""
    if faults.are_enough:
        return _neutral(wanted)
    chosen = _chosen(value, wanted)
    match chosen:
        case inspect.StructType() if isinstance(value, dict):
            return _mend_struct(value, chosen, path, faults)
        case inspect.ListType(item_type=item) | inspect.VarTupleType(item_type=item) if isinstance(value, list):
            return [_mend(entry, item, f"{path}[{position}]", faults) for position, entry in enumerate(value)]
        case inspect.DictType(value_type=item) if isinstance(value, dict):
            return {key: _mend(entry, item, key_path(path, key), faults) for key, entry in value.items()}
        case inspect.EnumType(cls=cls) if value not in (choices := [choice.value for choice in cls]):
            faults.add(path, f"must be one of: {', '.join(choices)}")
            return choices[0]
        case inspect.EnumType() | inspect.AnyType():
            return value
        case None:
            faults.add(path, f"must be {_described(wanted)}, not {_shape(value)}")
            return _neutral(wanted)
        case _:
            return value


def _mend_struct(value: dict[str, Any], wanted: inspect.StructType, path: str, faults: Faults) -> dict[str, Any]:
    fields = {field.encode_name: field for field in wanted.fields}
    prefix = f"{path}." if path else ""
    mended = {}
    for name, entry in value.items():
        if name in fields:
            mended[name] = _mend(entry, fields[name].type, prefix + name, faults)
        elif not faults.are_enough:  # to look for the nearest name takes time
            faults.add(key_path(path, name) if path else name[:_SHOWN_CHARS_MAX], unknown(name, fields))
    for name, field in fields.items():
        if field.required and name not in mended:
            faults.add(prefix + name, "is missing")
            mended[name] = _neutral(field.type)
    return mended


def _chosen(value: Any, wanted: inspect.Type) -> inspect.Type | None:
    """The branch of a type that a value can be meant for; None: it fits none."""
    return next((branch for branch in _branches(wanted) if _fits(value, branch)), None)


def _branches(wanted: inspect.Type) -> tuple[inspect.Type, ...]:
    bare = _bare(wanted)
    return tuple(map(_bare, bare.types)) if isinstance(bare, inspect.UnionType) else (bare,)


def _bare(wanted: inspect.Type) -> inspect.Type:
    """Without what is only told of it."""
    while isinstance(wanted, inspect.Metadata):
        wanted = wanted.type
    return wanted


def _fits(value: Any, wanted: inspect.Type) -> bool:
    match wanted:
        case inspect.AnyType():
            return True
        case inspect.NoneType():
            return value is None
        case inspect.StrType() | inspect.EnumType():
            return isinstance(value, str)
        case inspect.BoolType():
            return isinstance(value, bool)
        case _ if isinstance(value, bool):
            return False
        case inspect.IntType():
            return isinstance(value, int)
        case inspect.FloatType():
            return isinstance(value, float) or (isinstance(value, int) and value.bit_length() in _FLOAT_BITS)
        case inspect.ListType() | inspect.VarTupleType():
            return isinstance(value, list)
        case _:
            return isinstance(value, dict)


def _neutral(wanted: inspect.Type) -> Any:
    branches = _branches(wanted)
    first = branches[0]
    if any(isinstance(branch, inspect.NoneType) for branch in branches):
        return None
    if isinstance(first, inspect.StructType):
        return {field.encode_name: _neutral(field.type) for field in first.fields if field.required}
    if isinstance(first, inspect.ListType | inspect.VarTupleType):
        return []
    if isinstance(first, inspect.EnumType):
        return next(iter(first.cls)).value
    return _NEUTRAL.get(type(first), {})


def _described(wanted: inspect.Type) -> str:
    kinds = [_NAMES.get(type(branch), "a string") for branch in _branches(wanted)]
    return " or ".join(dict.fromkeys(kind for kind in kinds if kind != "null"))


def _shape(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "a list"
        case _:
            return "an object"


def _lineage(path: str) -> Iterable[str]:
    """A path and what it is part of: `a[0].b`, `a[0]`, `a`."""
    while path:
        yield path
        path = path[: max(path.rfind("."), path.rfind("["), 0)]


def _not_json(body: bytes, error: Exception) -> Problem:
    words = _INNER_PATH.sub("", str(error))
    match = _BYTE.fullmatch(words)
    if isinstance(error, UnicodeDecodeError):
        detail = "the body is not UTF-8"
    elif isinstance(error, RecursionError):
        detail = "the body is nested too deeply"
    elif match:
        detail = f"{match[1]} at {_place(body, int(match[2]))}"
    else:
        detail = "the body is empty" if not body.strip() else f"{words} at {_place(body, len(body))}"
    if _FORM.match(body):
        detail += "; it looks like a form: send the fields as a JSON object"
    return Problem(code="bad_json", status=400, title="The body is not JSON", detail=detail)


def _place(body: bytes, position: int) -> str:
    before = body[:position]
    line = before.count(b"\n") + 1
    column = position - (before.rfind(b"\n") + 1) + 1
    return f"line {line}, column {column} (byte {position})"
