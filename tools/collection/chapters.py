"""The chapters of the collection, in the order in which they must run."""

from collections.abc import Iterator, Mapping
from typing import Final

from collection import (
    api_keys,
    mail,
    original,
    outages,
    outgoing,
    steering,
    suppressions,
    systematic,
    templates,
    vitals,
    webhooks,
)
from collection.contract import Operation
from collection.scenario import Chapter, Scenario
from msgspec.structs import replace

CHAPTERS: Final = (
    steering.BEGIN,
    steering.CHAPTER,
    mail.CHAPTER,
    original.CHAPTER,
    suppressions.CHAPTER,
    templates.CHAPTER,
    webhooks.CHAPTER,
    outgoing.CHAPTER,
    api_keys.CHAPTER,
    vitals.VITALS,
    vitals.PAGES,
    vitals.ELSEWHERE,
    outages.OUTAGES,
    outages.PATIENCE,
)


def chapters(operations: Mapping[str, Operation]) -> Iterator[tuple[Chapter, dict[str, list[Scenario]]]]:
    """Each with the scenarios that follow from the document, by operation: a chapter has those of its tag."""
    for chapter in CHAPTERS:
        mine = [operation for operation in operations.values() if operation.tag == chapter.name]
        written = tuple(_settled(scenario, operations) for scenario in chapter.scenarios)
        follow = {
            operation.id: [_settled(each, operations) for each in systematic.scenarios(operation)] for operation in mine
        }
        yield replace(chapter, scenarios=written), follow


def scenarios(operations: Mapping[str, Operation]) -> Iterator[Scenario]:
    """All, in their order."""
    for chapter, follow in chapters(operations):
        yield from chapter.scenarios
        for several in follow.values():
            yield from several


def _settled(scenario: Scenario, operations: Mapping[str, Operation]) -> Scenario:
    """With the status that the document gives to its code."""
    if scenario.status or not scenario.operation:
        return scenario
    return replace(scenario, status=operations[scenario.operation].statuses[scenario.code])
