"""Mailgun's templates. Their data comes as `v:` fields, as a header and as `t:variables`, with words of recipients."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from everpost.dialects.dropins.substituting import Substitution
from everpost.dialects.dropins.templating import templated
from everpost.dialects.faults import Faults
from everpost.dialects.fields import check_depth
from everpost.dialects.forms import Form
from everpost.model.message import Draft
from everpost.model.template import Templated

_HEADER: Final = "x-mailgun-variables"
_VARIABLES: Final = "t:variables"
_VERSION: Final = "t:version"
_FIELDS: Final = ("template", _VARIABLES, "t:text")
_OBJECT: Final = msgspec.json.Decoder(dict[str, Any])


class Wanted:
    """The template that a form names, and what it is filled in with."""

    def __init__(self, name: str, data: Mapping[str, Any]) -> None:
        self._name = name
        self._data = data

    def of(self, mail: Draft, into: Substitution | None) -> Templated:
        """`into`: the words of its recipient; None: there are none for each."""
        headers = {name: value for name, value in mail.headers.items() if name.lower() != _HEADER}
        data = self._data if into is None else _put(self._data, into)
        found = templated(mail, _FIELDS, self._name, data)
        return replace(found, draft=replace(found.draft, headers=headers))


def read_wanted(form: Form, shared: Draft, faults: Faults) -> Wanted | None:
    """None: the form names no template; or a version of one, which only the provider knows."""
    name = form.last("template")
    if not name or form.last(_VERSION):
        return None
    header = next((value for key, value in shared.headers.items() if key.lower() == _HEADER), None)
    sources = {"h:X-Mailgun-Variables": header, _VARIABLES: form.last(_VARIABLES)}
    data: dict[str, Any] = dict(shared.metadata)
    for path, text in sources.items():
        data |= _read(text, path, faults) if text else {}
    return Wanted(name, data)


def _read(text: str, path: str, faults: Faults) -> dict[str, Any]:
    try:
        found = _OBJECT.decode(text)
    except (msgspec.DecodeError, ValueError, RecursionError) as refusal:
        faults.add(path, f"is no JSON object: {refusal}")
        return {}
    return found if check_depth(found, path, faults) else {}


def _put(value: Any, into: Substitution) -> Any:
    """The recipient's own words in each text of the data, which is no deeper than was checked."""
    match value:
        case str():
            return into.text(value)
        case dict():
            return {name: _put(entry, into) for name, entry in value.items()}
        case list():
            return [_put(entry, into) for entry in value]
    return value
