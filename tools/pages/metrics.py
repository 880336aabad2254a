"""metrics.md: every figure of a server, from the registry that makes them."""

from collections.abc import Iterator
from typing import Final

from pages import markdown

from everpost.entrypoints.metrics import ServerMetrics
from everpost.entrypoints.metrics.instruments import Instrument

_LABELS: Final = {
    "account": "name of an account",
    "cause": "`nudge` or `time`",
    "method": "of HTTP; `(any)` where the path or the method is unknown",
    "outcome": "as in the event of the attempt: accepted, held, rejected, refused, throttled, unavailable or unknown",
    "python": "its version",
    "result": "of a provider's request: taken, or why not; of its events: joined, unjoined, unreadable or repeated",
    "route": "the path as the API's document has it, with its variable parts as names; `(none)`: there is no such path",
    "sink": "as the configuration names it",
    "state": "of a delivery, a circuit (`closed`, `half_open`, `open`) or a connection (`busy`, `idle`)",
    "status": "of HTTP; `499`: the caller had gone",
    "unit": "`second`, `day` or `month`",
    "verdict": "`found`, `absent` or `unresolved`",
    "version": "of Everpost",
}


def page() -> str:
    metrics = ServerMetrics("0")
    made = sorted(metrics.instruments, key=lambda each: each.name)
    samples = {sample.name for family in metrics.registry.collect() for sample in family.samples}
    of_process = [name for name in samples if name.startswith("process_")]
    return markdown.page(
        "Metrics",
        "`GET /metrics` gives them as OpenMetrics text. Counters and histograms are of the process that is asked, and "
        "begin with it: add them up over all processes (`sum`). Gauges of deliveries, accounts and sinks are read from "
        "the store at each scrape and are the same in every process that shares it: take one of them (`max`). What "
        "they cost does not depend on how much is stored.",
        "No label carries an address or free text. The series of every account and sink are there from the first "
        "scrape on, with 0.",
        markdown.table(("metric", "type", "labels", "what it is"), map(_row, made)),
        "## Labels",
        markdown.table(("label", "what it says"), _labels(made)),
        "## Buckets",
        "Upper bounds; the last one is infinite.",
        markdown.table(("histogram", "buckets"), _buckets(made)),
        "## Of the process",
        "On Linux, as prometheus-client counts them: " + ", ".join(map(markdown.code, sorted(of_process))) + ".",
    )


def _row(made: Instrument) -> tuple[str, str, str, str]:
    name = made.name if made.type == "histogram" else made.samples[0]
    return markdown.code(name), made.type, ", ".join(map(markdown.code, made.labels)), made.help


def _labels(made: list[Instrument]) -> Iterator[tuple[str, str]]:
    for label in sorted({label for each in made for label in each.labels}):
        yield markdown.code(label), _LABELS[label]


def _buckets(made: list[Instrument]) -> Iterator[tuple[str, str]]:
    for each in made:
        if each.buckets:
            yield markdown.code(each.name), ", ".join(f"{bound:g}" for bound in each.buckets)
