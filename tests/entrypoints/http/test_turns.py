"""Requests that come together are begun a few at a time, so that the event loop looks at its sockets in between."""

import asyncio

from everpost.entrypoints.http.turns import BEGUN_PER_TURN, Turns


async def turn():
    await asyncio.sleep(0)


async def test_who_comes_to_an_idle_loop_is_begun_at_once():
    begun = []
    turns = Turns()
    for number in range(3):
        turns.begin(lambda number=number: begun.append(number))
    assert begun == [0, 1, 2]


async def test_of_many_a_few_are_begun_in_each_turn_in_the_order_in_which_they_came():
    begun = []
    turns = Turns()
    for number in range(2 * BEGUN_PER_TURN + 1):
        turns.begin(lambda number=number: begun.append(number))
    seen = [len(begun)]
    while len(begun) <= 2 * BEGUN_PER_TURN:
        await turn()
        seen.append(len(begun))
    assert seen == [BEGUN_PER_TURN, 2 * BEGUN_PER_TURN, 2 * BEGUN_PER_TURN + 1]
    assert begun == sorted(begun)


async def test_who_comes_later_does_not_pass_those_who_wait():
    begun = []
    turns = Turns()
    for number in range(BEGUN_PER_TURN + 2):
        turns.begin(lambda number=number: begun.append(number))
    turns.begin(lambda: begun.append("late"))
    await turn()
    assert begun[-3:] == [BEGUN_PER_TURN, BEGUN_PER_TURN + 1, "late"]


async def test_after_a_turn_there_is_room_again():
    begun = []
    turns = Turns()
    for _ in range(3):
        turns.begin(lambda: begun.append("before"))
    await turn()
    for _ in range(BEGUN_PER_TURN):
        turns.begin(lambda: begun.append("after"))
    assert begun.count("after") == BEGUN_PER_TURN
