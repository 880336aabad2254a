"""providers.md: what each provider can do, its settings, and what its answers mean."""

from collections.abc import Callable
from typing import Final

from pages import markdown
from pages.limits import size

from everpost.model.capability import FileTypes, Loss
from everpost.model.limits import TAGS_MAX
from everpost.providers.contract import DEFAULT_STATUSES, Lookup, Provider, Replay, Row, Setting, Verdict
from everpost.providers.reading import EDGE_STATUSES
from everpost.wiring import PROVIDERS


def _lost(provider: Provider) -> str:
    """By the names of `allow_loss`."""
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
    return ", ".join(markdown.code(loss) for loss, is_dropped in drops.items() if is_dropped) or "nothing"


_FEATURES: Final[dict[str, Callable[[Provider], str]]] = {
    "recipients of one mail": lambda provider: f"{provider.limits.recipients_max:,}",
    "content of one mail": lambda provider: size(provider.limits.content_bytes_max),
    "tags of one mail": lambda provider: (
        f"{provider.limits.tags_max:,}" if provider.limits.tags_max else "not passed on"
    ),
    "whole mails as they stand (raw MIME)": lambda provider: "yes" if provider.limits.raw else "no",
    "what it has no place for": _lost,
    "inline images": lambda provider: "yes" if provider.limits.inline else "no",
    "asked what became of a mail": lambda provider: _ASKED[type(provider.resolve)],
    "its records may lag": lambda provider: (
        _duration(provider.resolve.lag_s) if isinstance(provider.resolve, Lookup) else ""
    ),
    "its records go back": lambda provider: _duration(provider.resolve.kept_s) if provider.resolve else "",
    "lists the events that webhooks missed": lambda provider: "yes" if provider.history else "no",
    "`everpost check` tries the credentials": lambda provider: "yes" if provider.probe else "no",
}
_ASKED: Final[dict[type, str]] = {
    Lookup: "by our id",
    Replay: "by the same request again",
    type(None): "nobody can tell",
}
_KINDS: Final = {
    "accepted": "the provider has it",
    "held": "accepted, but parked there",
    "rejected": "no provider would take it: the mail fails",
    "refused": "this account will not take this mail, others may",
    "throttled": "too much: another account takes it, and this one is left alone for a while",
    "unavailable": "certainly not taken: another account takes it",
    "unknown": "may have been taken: the provider is asked before anything else",
}


def page() -> str:
    providers = list(PROVIDERS.values())
    matrix = [(feature, *(tell(provider) for provider in providers)) for feature, tell in _FEATURES.items()]
    return markdown.page(
        "Providers",
        markdown.table(("", *(provider.title for provider in providers)), matrix),
        "A provider that nobody can ask leaves lost answers to the mail's `on_unknown`. How to add one: "
        "[adding a provider](../adding-a-provider.md).",
        *(_provider(provider) for provider in providers),
        "## Answers over HTTP that no table names",
        "These hold for every provider that is spoken to over HTTP. What stands in no table is `unknown`: a 2xx answer "
        "without an id, every redirect, 500, 502 and 504 among them, since none of them promises that the mail was not "
        "taken.",
        markdown.table(
            ("status", "means"), [(str(status), _verdict(verdict)) for status, verdict in DEFAULT_STATUSES.items()]
        ),
        f"A page of HTML with {', '.join(map(str, sorted(EDGE_STATUSES)))} comes from a firewall or proxy that has not "
        "passed the request on: `unavailable`. Only the provider's own words end a mail for good: without them, what "
        "would be `rejected` is `refused`.",
        "Without any answer, `unavailable` needs proof that no whole request can have arrived: no connection, no TLS, "
        "a body that was not written to its end. All else is `unknown`.",
        "## What the kinds mean",
        markdown.table(("kind", "meaning"), [(markdown.code(kind), meaning) for kind, meaning in _KINDS.items()]),
    )


def _provider(provider: Provider) -> str:
    parts = [
        f"## {provider.title}\n",
        f'`provider = "{provider.name}"`, described at <{provider.docs}>.\n',
        markdown.table(("setting", "value", "default", "meaning"), [_setting(each) for each in provider.settings]),
        "What its answers mean; the first row that fits decides:\n",
        markdown.table(("answer", "words", "means", "why"), [_row(row) for row in provider.rows]),
    ]
    return "\n".join(parts)


def _setting(setting: Setting) -> tuple[str, str, str, str]:
    choices = " or ".join(markdown.code(f'"{choice}"') for choice in setting.choices)
    value = choices or ("secret" if setting.secret else setting.form.value)
    default = "required" if setting.required else markdown.code(f'"{setting.default}"') if setting.default else ""
    return markdown.code(setting.name), value, default, markdown.sentence(setting.help)


def _row(row: Row) -> tuple[str, str, str, str]:
    where = str(row.where) if isinstance(row.where, int) else ", ".join(map(str.upper, row.where)) or "any stage"
    return where, markdown.code(row.text) if row.text else "any", _verdict(row.verdict), markdown.sentence(row.why)


def _verdict(verdict: Verdict) -> str:
    words = f"`{verdict.kind}`"
    if verdict.account_fault:
        words += ", the account's fault: its circuit opens"
    if verdict.retry_after_s == 0:
        words += ", this mail alone"
    elif verdict.retry_after_s is not None:
        words += f" for {_duration(verdict.retry_after_s)}, unless it names a time"
    return words


def _duration(seconds: float) -> str:
    for unit, length in (("days", 86_400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length and seconds % length == 0:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"
