"""events.md: every type of event, what it means and what it tells."""

import json
from collections.abc import Iterable
from typing import Final

from pages import markdown

from everpost.dialects.native.render import render_event
from everpost.model.event import Event, EventType, Recorded
from everpost.model.facts import FACTS, Fact

_EXAMPLE: Final = Recorded(
    seq=42,
    event=Event(
        id="em_01jzzzzzzzzzzzzzzzzzzzzzzz.0:3",
        type=EventType.SENT,
        at=1_767_225_600.25,
        project="default",
        message_id="em_01jzzzzzzzzzzzzzzzzzzzzzzz",
        delivery_id="em_01jzzzzzzzzzzzzzzzzzzzzzzz.0",
        account="mailgun",
        data={"number": 1, "outcome": "accepted", "latency_ms": 130.4, "status": 200, "provider_message_id": "x@y"},
    ),
)


def page() -> str:
    kinds = dict.fromkeys(type_.value.partition(".")[0] for type_ in EventType)
    return markdown.page(
        "Events",
        "Every change of a mail, an account, a route, a suppression or a key is an event, written in one step with the "
        "change itself. Read them at `GET /v1/events`, with `everpost events`, or from a sink (`[events] sinks`).",
        "A sink gets each event at least once, and those of one mail in their order; the same event has the same `id`. "
        "`sequence` is its place in the audit trail, and the cursor of those who read on. No event holds an address or "
        "content. A name that ends in `_at` is an instant.",
        "The form is CloudEvents 1.0 (structured JSON):",
        f"```json\n{json.dumps(render_event(_EXAMPLE), indent=2)}\n```",
        "`data` says which project, mail, delivery and account the event is about, as far as it is about one. What it "
        "tells beside these stands below; an event leaves out what does not apply to it.",
        *(section(kind) for kind in kinds),
    )


def section(kind: str) -> str:
    types = [type_ for type_ in EventType if type_.value.partition(".")[0] == kind]
    return f"## {kind}.*\n\n" + "\n".join(_event(type_, FACTS[type_]) for type_ in types)


def _event(type_: EventType, fact: Fact) -> str:
    rows: Iterable[tuple[str, str]] = (
        (markdown.code(name), markdown.sentence(meaning)) for name, meaning in fact.data.items()
    )
    told = markdown.table(("in `data`", "what it is"), rows)
    return f"### {type_.value}\n\n{fact.meaning}\n" + (f"\n{told}" if told else "")
