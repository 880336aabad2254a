"""The audit trail in a real stream: nothing lost, nothing overtaken, and nothing stuck behind what can't be taken."""

from collections import Counter

import pytest

from everpost.aws import AwsError
from everpost.model.limits import DEAD_LETTER_BYTES_MAX, KINESIS_RECORD_BYTES_MAX
from everpost.sinks.counted import CountedSink
from everpost.sinks.dead_letters import DeadLetters
from everpost.sinks.kinesis import KinesisSink, to_queue
from everpost.sinks.kinesis.sink import SUSPICIONS_MAX, TRIES_MAX, StreamBusy
from kinesis_kit import THROTTLED, event, put_until_taken, trail


def in_order(ids, messages, each):
    """Whether the first time of each event is where it belongs."""
    firsts = list(dict.fromkeys(ids))
    return all(
        [id_ for id_ in firsts if id_.startswith(f"m{message}.")] == [f"m{message}.{turn}" for turn in range(each)]
        for message in range(messages)
    )


async def test_all_events_are_in_the_stream_under_the_keys_of_their_messages(sink, stream):
    events = [*trail(20, 3), event("account.opened:a")]
    await sink.put(events)
    records = stream.records()
    assert sorted((told for _, told in records), key=lambda one: one["id"]) == sorted(events, key=lambda one: one["id"])
    assert {key for key, _ in records} == {*(f"m{number}" for number in range(20)), "account.opened:a"}
    assert in_order(stream.ids(), 20, 3)


async def test_the_sink_is_named_after_its_stream(sink, stream):
    assert sink.name == f"kinesis:{stream.name}"


async def test_what_was_refused_is_sent_again_alone(sink, stream, faults):
    faults.refuse = {"m3.0": [THROTTLED] * 2, "m7.0": ["InternalFailure"]}
    await sink.put(trail(10, 1))
    assert [len(ids) for ids in faults.requests] == [10, 2, 1]
    assert Counter(stream.ids()) == Counter(f"m{number}.0" for number in range(10))


async def test_no_event_overtakes_an_earlier_one_of_its_message(sink, stream, faults):
    faults.refuse = {"m1.0": [THROTTLED] * 4, "m2.1": [THROTTLED] * 2, "m0.2": ["InternalFailure"] * 3}
    await sink.put(trail(4, 4))
    assert in_order(stream.ids(), 4, 4)
    assert len(stream.ids()) == 16


async def test_a_lost_answer_gives_duplicates_and_loses_nothing(sink, stream, faults):
    faults.lose = 2
    await sink.put(trail(5, 2))
    ids = stream.ids()
    assert set(ids) == {told["id"] for told in trail(5, 2)}
    assert len(ids) == 20
    assert in_order(ids, 5, 2)


async def test_a_stream_that_goes_on_throttling_is_left_to_the_relay_which_repeats_only_the_rest(sink, stream, faults):
    faults.refuse = {"m1.0": [THROTTLED] * (TRIES_MAX + 1)}
    assert await put_until_taken(sink, trail(3, 2), StreamBusy) == 1
    assert Counter(stream.ids()) == Counter(told["id"] for told in trail(3, 2))
    assert in_order(stream.ids(), 3, 2)
    assert stream.letters() == []


# --- what Kinesis never takes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", [0, 7, 19])
async def test_poison_is_found_by_halving_and_buried_with_its_reason(sink, stream, faults, place):
    events = trail(20, 1)
    events[place]["data"]["text"] = "p01son"
    faults.poison = b"p01son"
    assert await put_until_taken(sink, events, StreamBusy) == 0
    assert stream.letters() == [{"sink": sink.name, "reason": "ValidationException: no", "event": events[place]}]
    assert Counter(stream.ids()) == Counter(told["id"] for told in events if told is not events[place])
    assert CountedSink(sink).buried == 1


async def test_later_events_of_a_message_go_on_behind_poison(sink, stream, faults):
    events = trail(2, 3)
    events[0]["data"]["text"] = "p01son"
    faults.poison = b"p01son"
    await sink.put(events)
    assert stream.ids("m0") == ["m0.1", "m0.2"]


async def test_an_event_that_is_too_large_is_buried_and_named(sink, stream, caplog):
    large = event("large", "m0", text="x" * KINESIS_RECORD_BYTES_MAX)
    await sink.put([large, *trail(1, 2)])
    [letter] = stream.letters()
    assert "bytes are more than Kinesis takes" in letter["reason"]
    assert letter["event"] == {name: value for name, value in large.items() if name != "data"}
    assert stream.ids() == ["m0.0", "m0.1"]
    assert "a sink will never take an event" in caplog.text
    assert len(str(letter)) < DEAD_LETTER_BYTES_MAX


async def test_a_record_that_alone_fails_again_and_again_is_buried_in_the_end(sink, stream, faults):
    faults.refuse = {"m0.0": ["InternalFailure"] * 10_000}
    events = trail(1, 2)
    for number in range(SUSPICIONS_MAX):
        events.append(event(f"other-{number}"))
        with pytest.raises(StreamBusy, match="InternalFailure: told so"):
            await sink.put(events)
    assert stream.letters() == []
    await sink.put(events)
    assert [letter["event"]["id"] for letter in stream.letters()] == ["m0.0"]
    assert stream.ids("m0") == ["m0.1"]


async def test_throttling_is_no_reason_to_bury_anything_however_long_it_lasts(sink, stream, faults):
    faults.refuse = {"m0.0": [THROTTLED] * TRIES_MAX * 2 * SUSPICIONS_MAX}
    events = trail(1, 1)
    for number in range(2 * SUSPICIONS_MAX):
        events.append(event(f"other-{number}"))
        with pytest.raises(StreamBusy):
            await sink.put(events)
    await sink.put(events)
    assert stream.letters() == []
    assert stream.ids("m0") == ["m0.0"]


async def test_a_stream_that_takes_nothing_is_no_reason_to_bury_anything(sink, stream, faults):
    faults.poison = b"id"  # all of them
    for _ in range(SUSPICIONS_MAX + 1):
        with pytest.raises(StreamBusy):
            await sink.put(trail(3, 1))
    faults.poison, faults.refuse = None, {told["id"]: ["InternalFailure"] * 10_000 for told in trail(3, 1)}
    for _ in range(SUSPICIONS_MAX + 1):
        with pytest.raises(StreamBusy):
            await sink.put(trail(3, 1))
    assert stream.letters() == []
    assert sink.buried == 0


async def test_a_stream_that_is_not_there_buries_nothing(client, stream):
    sink = KinesisSink(client, f"{stream.name}-gone", DeadLetters(to_queue(client, stream.queue)), pause_s=0.0)
    with pytest.raises(AwsError, match="ResourceNotFoundException"):
        await sink.put(trail(3, 1))
    assert stream.letters() == []


async def test_a_dead_letter_that_cannot_be_kept_is_tried_again(client, stream, faults):
    letters = DeadLetters(to_queue(client, f"{stream.queue}-gone"))
    sink = KinesisSink(client, stream.name, letters, pause_s=0.0)
    faults.poison = b"p01son"
    events = [*trail(2, 1), event("p", "m0", text="p01son")]
    with pytest.raises(AwsError):
        await sink.put(events)
    letters._deliver = to_queue(client, stream.queue)
    await sink.put(events)
    assert [letter["event"]["id"] for letter in stream.letters()] == ["p"]
    assert Counter(stream.ids()) == {"m0.0": 1, "m1.0": 1}


async def test_without_a_queue_poison_is_told_and_left_in_the_audit_trail(client, stream, faults, caplog):
    sink = KinesisSink(client, stream.name, DeadLetters(None), pause_s=0.0)
    faults.poison = b"p01son"
    await sink.put([*trail(1, 1), event("p", text="p01son")])
    assert stream.ids() == ["m0.0"]
    [record] = [one for one in caplog.records if one.levelname == "ERROR"]
    assert (record.event_id, record.error) == ("p", "ValidationException: no")
