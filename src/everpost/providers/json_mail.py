"""A mail as one JSON object, as most APIs take it: a provider says what stands where, and the rules are here."""

from collections.abc import Callable, Iterator
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from everpost.model.message import Address, Draft
from everpost.providers.fields import fault_of, needs_to
from everpost.providers.options import Path, below, merge_fault, merged


def address_as(email: str, name: str, address: Address) -> dict[str, str]:
    """An object with these keys; without a name, none stands in it."""
    return {email: address.email, name: address.name} if address.name else {email: address.email}


class JsonMail(Struct, frozen=True, kw_only=True):
    name: str  # of the provider, under which provider_options speak to it
    body: Callable[[Draft, str], dict[str, Any]]  # (mail, delivery id)
    own: tuple[Path, ...]  # what provider_options may not change
    lines: tuple[Path, ...]  # what becomes a line of the header
    texts: tuple[Path, ...]  # one of these has to be there; a template's stands at the end
    reserved: frozenset[str] = frozenset()  # headers that this provider writes itself, in lower case
    reply_to_max: int | None = None
    needs_subject: bool = False  # unless there is a template
    subject_chars_max: int | None = None
    text_chars_min: int = 0
    inline_types: str | None = ""  # what the types of inline files begin with; None: it shows none inline
    takes_raw: bool = False  # whole mails, which stand in it as they are

    def whole(self, message: Draft, delivery_id: str) -> dict[str, Any]:
        """The body with what provider_options say in it."""
        return self._with_options(self.body(message, delivery_id), message)

    def fault(self, message: Draft) -> str | None:
        """Why the mail can't be expressed, or None."""
        ours = self.body(replace(message, attachments=()), "")  # files play no part here, and may be large
        whole = self._with_options(ours, message)
        general = fault_of(message, self.reserved, takes_raw=self.takes_raw) or needs_to(message)
        return general or merge_fault(ours, whole, self.own, self.lines) or next(self._faults(message, whole), None)

    def _with_options(self, body: dict[str, Any], message: Draft) -> dict[str, Any]:
        whole: dict[str, Any] = merged(body, message.provider_options.get(self.name, {}))
        return whole

    def _faults(self, message: Draft, whole: dict[str, Any]) -> Iterator[str]:
        if all(below(whole, path) is None for path in self.texts):
            yield f"it needs a text: one of {', '.join(path[-1] for path in self.texts)}"
        if self.needs_subject and not message.subject and below(whole, self.texts[-1]) is None:
            yield "it needs a subject"
        if self.subject_chars_max is not None and len(message.subject) > self.subject_chars_max:
            yield f"it takes subjects of at most {self.subject_chars_max} characters"
        if self.reply_to_max is not None and len(set(message.reply_to)) > self.reply_to_max:
            yield f"it takes at most {self.reply_to_max} address for answers"
        if not all(file.filename for file in message.attachments):
            yield "it takes no attachments without a file name"
        if not all(file.content for file in message.attachments):
            yield "it takes no empty attachments"
        inline = [file.content_type.lower() for file in message.attachments if file.content_id is not None]
        if self.inline_types is None and inline:
            yield "it has no inline attachments"
        elif not all(kind.startswith(self.inline_types or "") for kind in inline):
            yield f"it shows files inline whose type begins with {self.inline_types} only"
        if any(len(text) < self.text_chars_min for text in (message.text, message.html) if text):
            yield f"it takes texts of at least {self.text_chars_min} characters"
