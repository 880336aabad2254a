"""providers/NAME.md: one provider, from what its file states and from the steps that stand in webhook_steps.toml."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from pages import markdown
from pages.provider_features import FEATURES, duration, is_allowed, losses, lost_there, window

from everpost.model.capability import MEANING
from everpost.providers.contract import Lookup, Provider, Replay, Row, Setting, Verdict
from everpost.providers.hooks import Webhook, by_login
from everpost.wiring.lists import LISTS

STEPS: Final[dict[str, Any]] = tomllib.loads(Path(__file__).with_name("webhook_steps.toml").read_text())


def page(provider: Provider) -> str:
    return markdown.page(
        provider.title,
        f'`provider = "{provider.name}"` in an account\'s table of `everpost.toml`. Its API is described at '
        f"<{provider.docs}>. [All providers](../providers.md).",
        *_section("Settings", _settings(provider)),
        *_section("Features and limits", _features(provider)),
        *_section("What a mail may lose", _losses(provider)),
        *_section("What became of a mail whose answer was lost", _resolve(provider)),
        *_section("What its answers mean", _answers(provider)),
        *(_section("Set up its webhooks", _webhook(provider, provider.webhook)) if provider.webhook else ()),
    )


def _section(title: str, parts: Iterator[str]) -> Iterator[str]:
    yield f"## {title}"
    yield from parts


def _settings(provider: Provider) -> Iterator[str]:
    yield markdown.table(("setting", "value", "default", "meaning"), map(_setting, provider.settings))
    yield "Beside them stand [those of every account](../configuration.md): quotas, senders, windows and the like."


def _setting(setting: Setting) -> tuple[str, str, str, str]:
    choices = " or ".join(markdown.code(f'"{choice}"') for choice in setting.choices)
    value = choices or ("secret" if setting.secret else setting.form.value)
    default = "required" if setting.required else markdown.code(f'"{setting.default}"') if setting.default else ""
    return markdown.code(setting.name), value, default, markdown.sentence(setting.help)


def _features(provider: Provider) -> Iterator[str]:
    told = ((feature, tell(provider)) for feature, tell in FEATURES.items())
    yield markdown.table(("", provider.title), [row for row in told if row[1]])
    if not provider.limits.raw:
        yield f"It gets no [whole mails](../../raw-mail.md): {provider.limits.not_raw}."
    if provider.name in LISTS:
        yield "How its list and ours are brought together: [operating](../../operating.md#who-must-not-be-written-to)."
    if provider.webhook and not provider.history:
        yield "It can't be asked for its events: what its webhooks missed stays unknown."
    if provider.history:
        yield "How it is asked for events: [operating](../../operating.md#events-that-webhooks-missed)."


def _losses(provider: Provider) -> Iterator[str]:
    rows = [
        (markdown.code(loss), markdown.sentence(MEANING[loss]), lost_there(provider, loss), is_allowed(loss))
        for loss in losses(provider)
    ]
    yield markdown.table(("`allow_loss`", "what it is", "here", "allowed by default"), rows) or "Nothing."
    yield "A mail that does not allow for a loss goes to other accounts: [what a mail may lose](../../raw-mail.md)."


def _resolve(provider: Provider) -> Iterator[str]:
    match provider.resolve:
        case Lookup(lag_s=lag_s, kept_s=kept_s):
            yield (
                f"{provider.title} is asked by our id. That it does not have the mail counts only when it was seen "
                f"twice, after the attempt's deadline and {duration(lag_s)} more, by which its records may lag "
                f"(`lookup_lag_s`), and as long as they go back that far: {duration(kept_s)}."
            )
        case Replay(kept_s=kept_s):
            yield (
                f"The same request is made again: {provider.title} knows it by its key for {duration(kept_s)} at "
                "least, and takes no second mail."
            )
        case None:
            yield f"Nobody can ask {provider.title}: the mail's `on_unknown` decides."
    if any(setting.name == "lookup_api_key" for setting in provider.settings):
        yield "What is asked needs a key that may read: `lookup_api_key`, where `api_key` may only send."
    if provider.webhook:
        yield "What its webhooks tell of such a mail proves that it has it."


def _answers(provider: Provider) -> Iterator[str]:
    yield "The first row that fits decides; [what the kinds mean](../providers.md#what-the-kinds-mean)."
    yield markdown.table(("answer", "words", "means", "why"), map(_row, provider.rows))
    if any(isinstance(row.where, int) for row in provider.rows):
        yield "Where no row fits, [the rules of all](../providers.md#answers-over-http-that-no-table-names) hold."
    yield "What is made of faults on the way to it: [faults](../faults.md)."


def _row(row: Row) -> tuple[str, str, str, str]:
    where = str(row.where) if isinstance(row.where, int) else ", ".join(map(str.upper, row.where)) or "any stage"
    return where, markdown.code(row.text) if row.text else "any", verdict(row.verdict), markdown.sentence(row.why)


def verdict(given: Verdict) -> str:
    words = f"`{given.kind}`"
    if given.account_fault:
        words += ", the account's fault: its circuit opens"
    if given.retry_after_s == 0:
        words += ", this mail alone"
    elif given.retry_after_s is not None:
        words += f" for {duration(given.retry_after_s)}, unless it names a time"
    return words


def _webhook(provider: Provider, webhook: Webhook) -> Iterator[str]:
    told = STEPS[provider.name]
    yield (
        "*The address* is `https://YOUR-HOST/hooks/ACCOUNT`, where ACCOUNT is the account's name in `everpost.toml`. "
        f"What holds for every provider is in [webhooks](../../webhooks-in.md). Without `{webhook.setting}` all of "
        "its events are refused."
    )
    for way in told["ways"]:
        if title := way.get("title"):
            yield f"### {title}"
        yield "\n".join(f"{number}. {step}" for number, step in enumerate(way["steps"], 1))
        yield way.get("note", "")
    yield "### How it tells"
    rows = [
        ("what it signs", signed(provider, webhook)),
        ("a signature is good for", window(webhook)),
        ("it sends again", told["repeats"]),
        ("answer to what is not proven", str(webhook.refused_status)),
        ("answer when the store is not available", str(webhook.again_status)),
    ]
    yield markdown.table(("", ""), [row for row in rows if row[1]])


def signed(provider: Provider, webhook: Webhook) -> str:
    return "nothing: it logs in" if webhook.verify is by_login else STEPS[provider.name]["signs"]
