"""providers.md: all providers beside each other, and what holds for each of them."""

from typing import Final

from pages import markdown
from pages.provider import STEPS, signed, verdict
from pages.provider_features import FEATURES, window

from everpost.providers.contract import DEFAULT_STATUSES, Provider
from everpost.providers.reading import EDGE_STATUSES
from everpost.wiring import PROVIDERS

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
    matrix = [(feature, *(tell(provider) for provider in providers)) for feature, tell in FEATURES.items()]
    return markdown.page(
        "Providers",
        "The name of each leads to its own page: settings, limits, what its answers mean, and how its webhooks are set "
        "up, step by step.",
        markdown.table(("", *map(_link, providers)), matrix),
        "A provider that nobody can ask leaves lost answers to the mail's `on_unknown`. How to add one: "
        "[adding a provider](../adding-a-provider.md).",
        "## How they tell what became of a mail",
        markdown.table(("", "signed", "good for", "it sends again"), _webhooks(providers)),
        "What holds for all of them: [webhooks](../webhooks-in.md).",
        "## Answers over HTTP that no table names",
        "These hold for every provider that is spoken to over HTTP. What stands in no table is `unknown`: a 2xx answer "
        "without an id, every redirect, 500, 502 and 504 among them, since none of them promises that the mail was not "
        "taken.",
        markdown.table(
            ("status", "means"), [(str(status), verdict(means)) for status, means in DEFAULT_STATUSES.items()]
        ),
        f"A page of HTML with {', '.join(map(str, sorted(EDGE_STATUSES)))} comes from a firewall or proxy that has not "
        "passed the request on: `unavailable`. Only the provider's own words end a mail for good: without them, what "
        "would be `rejected` is `refused`.",
        "Without any answer, `unavailable` needs proof that no whole request can have arrived: no connection, no TLS, "
        "a body that was not written to its end. All else is `unknown`.",
        "## What the kinds mean",
        markdown.table(("kind", "meaning"), [(markdown.code(kind), meaning) for kind, meaning in _KINDS.items()]),
    )


def _link(provider: Provider) -> str:
    return f"[{provider.title}](providers/{provider.name}.md)"


def _webhooks(providers: list[Provider]) -> list[tuple[str, str, str, str]]:
    return [
        (_link(provider), signed(provider, webhook), window(webhook), STEPS[provider.name]["repeats"])
        for provider in providers
        if (webhook := provider.webhook)
    ]
