"""What a provider can do and what it has no place for, in words: for its own page and for the table of all."""

from collections.abc import Callable, Iterator
from typing import Final

from pages import markdown
from pages.limits import size

from everpost.model.capability import UNSEEN, FileTypes, Loss
from everpost.model.limits import TAGS_MAX
from everpost.providers.contract import Lookup, Provider, Replay
from everpost.providers.hooks import UNDATED_S, Webhook, by_login
from everpost.wiring.lists import LISTS

_ASKED: Final[dict[type, str]] = {
    Lookup: "by our id",
    Replay: "by the same request again",
    type(None): "nobody can tell",
}
_TYPES: Final = {
    FileTypes.BY_NAME: "it goes by the ending of the file's name",
    FileTypes.NO_CHARSET: "the charset of a text is left out",
    FileTypes.NO_COMPOSITES: "mails and multiparts go as octets",
}


def losses(provider: Provider) -> Iterator[Loss]:
    """What a mail may lose there, by the names of `allow_loss`."""
    limits = provider.limits
    drops = {
        Loss.TAGS: limits.tags_max is not None and limits.tags_max < TAGS_MAX,
        Loss.METADATA: not limits.metadata,
        Loss.MESSAGE_ID: not limits.message_id,
        Loss.INLINE_NAMES: not limits.inline_names,
        Loss.FILE_TYPES: limits.file_types is not FileTypes.AS_GIVEN,
        Loss.FILE_NAMES: limits.file_names_ascii,
        Loss.CALENDAR: limits.file_types is FileTypes.BY_NAME,
        Loss.HEADERS: bool(limits.headers_dropped),
    }
    return (loss for loss, is_dropped in drops.items() if is_dropped)


def lost_there(provider: Provider, loss: Loss) -> str:
    """What is particular to this provider, if anything."""
    limits = provider.limits
    if loss is Loss.TAGS:
        return f"it keeps {limits.tags_max}" if limits.tags_max else "it keeps none"
    if loss is Loss.FILE_TYPES:
        return _TYPES[limits.file_types]
    return ", ".join(markdown.code(name) for name in sorted(limits.headers_dropped)) if loss is Loss.HEADERS else ""


def is_allowed(loss: Loss) -> str:
    return _yes(loss in UNSEEN)


def _tags(provider: Provider) -> str:
    limits = provider.limits
    if not limits.tags_max:
        return "not passed on" if limits.tags_max == 0 else "any number"
    return f"{limits.tags_max:,}" + (f", of {limits.tag_bytes_max} bytes" if limits.tag_bytes_max else "")


def _lists(provider: Provider) -> str:
    lists = LISTS.get(provider.name)
    return ", ".join(map(markdown.code, lists.names)) if lists else "no"


def _takes(provider: Provider) -> str:
    lists = LISTS.get(provider.name)
    return ", ".join(sorted(map(markdown.code, lists.takes))) if lists and lists.takes else "no"


def _yes(is_so: object) -> str:
    return "yes" if is_so else "no"


FEATURES: Final[dict[str, Callable[[Provider], str]]] = {
    "recipients of one mail": lambda provider: f"{provider.limits.recipients_max:,}",
    "content of one mail": lambda provider: size(provider.limits.content_bytes_max),
    "tags of one mail": _tags,
    "whole mails as they stand (raw MIME)": lambda provider: _yes(provider.limits.raw),
    "inline images": lambda provider: _yes(provider.limits.inline),
    "what it has no place for": lambda provider: ", ".join(map(markdown.code, losses(provider))) or "nothing",
    "asked what became of a mail": lambda provider: _ASKED[type(provider.resolve)],
    "its records may lag": lambda provider: (
        duration(provider.resolve.lag_s) if isinstance(provider.resolve, Lookup) else ""
    ),
    "its records go back": lambda provider: duration(provider.resolve.kept_s) if provider.resolve else "",
    "tells by webhook what became of a mail": lambda provider: _yes(provider.webhook),
    "lists the events that webhooks missed": lambda provider: _yes(provider.history),
    "that list may lag": lambda provider: duration(provider.history.late_s) if provider.history else "",
    "its own suppressions can be read (`pull`)": _lists,
    "its own suppressions can be added to (`push`)": _takes,
    "`everpost check` tries the credentials": lambda provider: _yes(provider.probe),
}


def window(webhook: Webhook) -> str:
    """How long a signature is good for."""
    if webhook.verify is by_login:
        return ""
    return "always" if webhook.window_s == UNDATED_S else duration(webhook.window_s)


def duration(seconds: float) -> str:
    for unit, length in (("days", 86_400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length and seconds % length == 0:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"
