"""What is seen of each call of the store: what it has just done, whoever will hear of it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from everpost.store.port import New, Unbegun, Written
from sim.world import World

CURSOR = "cursor/"
Witnessing = Callable[[World, Sequence[Any], Any], None]


def _saw_accept(world: World, args: Sequence[Any], answer: Any) -> None:
    if isinstance(answer, New):
        message, deliveries, events = args[:3]
        world.witness.accepted(message, deliveries, events, args[5] if len(args) > 5 else ())
    elif isinstance(answer, Unbegun):
        world.note("stored without its attempt after all")


def _saw_changes(world: World, args: Sequence[Any], answer: Any) -> None:
    for change, written in zip(args[0], answer, strict=True):
        if written is Written.DONE:
            world.witness.changed(change)
        else:
            world.note(str(written))


def _saw_suppression(world: World, args: Sequence[Any], _: Any) -> None:
    for one in args[0]:
        world.suppressed_at.setdefault((one.project, one.address), world.loop.time())


def _saw_answer(world: World, args: Sequence[Any], _: Any) -> None:
    scope, key, answer = args
    world.answers.setdefault((scope, key), answer)


def _saw_record(world: World, args: Sequence[Any], _: Any) -> None:
    for event in args[0]:
        world.note(event.type)


def _saw_note(world: World, args: Sequence[Any], answer: Any) -> None:
    for notice, is_stored in zip(args[0], answer, strict=True):
        if is_stored:
            world.witness.noted(notice.event)
            for one in notice.suppressions:
                world.suppressed_at.setdefault((one.project, one.address), world.loop.time())
                world.note("suppressed by an event")


def _saw_document(world: World, args: Sequence[Any], answer: Any) -> None:
    name, value = args[:2]
    if name.startswith(CURSOR) and answer is not None:
        world.cursor_written(int(value))


WITNESSES: Mapping[str, Witnessing] = {
    "accept": _saw_accept,
    "begin": _saw_changes,
    "advance": _saw_changes,
    "suppress": _saw_suppression,
    "answer": _saw_answer,
    "record": _saw_record,
    "note": _saw_note,
    "write_config": _saw_document,
}
