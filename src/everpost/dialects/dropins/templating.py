"""Mail whose words stand in a template: here, if it is kept under the id that a request names; else at the provider."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from everpost.dialects.faults import Faults
from everpost.model.message import Draft
from everpost.model.template import Templated


def templated(
    elsewhere: Draft, fields: Collection[str], template: str, data: Mapping[str, Any], *, yields: bool = False
) -> Templated:
    """`elsewhere`: the mail as the door's provider is to fill it in, by these `fields` of its own. `yields`: the
    request's subject stands only where the template has none."""
    options = {
        door: own
        for door, words in elsewhere.provider_options.items()
        if (own := {name: value for name, value in words.items() if name not in fields})
    }
    subject, other = ("", elsewhere.subject) if yields else (elsewhere.subject, "")
    draft = replace(elsewhere, subject=subject, provider_options=options)
    return Templated(draft=draft, template=template, data=data, subject=other, elsewhere=elsewhere)


def check_no_words(given: Mapping[str, str | None], faults: Faults) -> None:
    """Where a provider takes no words beside a template's. By field: what is given."""
    for path, text in given.items():
        if text:
            faults.add(path, "stands in the template; leave it out")


def drafts_of(mails: Sequence[Draft | Templated]) -> list[Draft]:
    """What the request itself brings of each."""
    return [mail.draft if isinstance(mail, Templated) else mail for mail in mails]
