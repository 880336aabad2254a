"""The audit trail in a topic: nothing lost, nothing overtaken, and nothing stuck behind what can't be taken."""

import asyncio
import json
from collections import Counter, defaultdict

import pytest
from aiokafka.errors import KafkaError, TopicAuthorizationFailedError
from confluent_kafka import Producer

from everpost.model.limits import DEAD_LETTER_BYTES_MAX, KAFKA_BATCH_BYTES_MAX
from everpost.sinks.counted import CountedSink
from everpost.sinks.kafka import Cluster, KafkaSink
from kafka_kit import DENIED, NOT_LEADER, TOO_LARGE
from kinesis_kit import event, put_until_taken, trail

ERRORS = (KafkaError, TimeoutError)


def in_order(ids, messages, each):
    """Whether the first time of each event is where it belongs."""
    told = defaultdict(list)
    for id_ in dict.fromkeys(ids):
        told[id_.partition(".")[0]].append(id_)
    return told == {f"m{one}": [f"m{one}.{turn}" for turn in range(each)] for one in range(messages)}


async def test_all_events_are_in_the_topic_under_the_keys_of_their_messages(sink, cluster):
    events = [*trail(20, 3), event("account.opened:a")]
    await sink.put(events)
    records = await asyncio.to_thread(cluster.read, "trail")
    told = [json.loads(record.value()) for record in records]
    assert sorted(told, key=lambda one: one["id"]) == sorted(events, key=lambda one: one["id"])
    assert {record.key() for record in records} == {*(b"m%d" % number for number in range(20)), b"account.opened:a"}
    assert len({record.partition() for record in records}) == 4
    assert {tuple(record.headers()) for record in records} == {
        (("content-type", b"application/cloudevents+json; charset=UTF-8"),)
    }


async def test_keys_are_where_other_clients_look_for_them(sink, cluster):
    await sink.put(trail(40, 1))
    records = await asyncio.to_thread(cluster.read, "trail")
    ours = {record.key(): record.partition() for record in records}
    theirs = {}
    producer = Producer({"bootstrap.servers": ",".join(cluster.addresses), "partitioner": "murmur2_random"})
    for key in ours:
        producer.produce(
            "trail", key=key, on_delivery=lambda _, record: theirs.update({record.key(): record.partition()})
        )
    await asyncio.to_thread(producer.flush, 20.0)
    assert theirs == ours


async def test_the_sink_is_named_after_its_topic(sink):
    assert sink.name == "kafka:trail"


async def test_nothing_is_asked_before_there_are_events():
    sink = KafkaSink(Cluster(brokers=("127.0.0.1:1",)), "trail")
    await sink.close()
    assert sink.buried == 0


async def test_events_of_a_message_are_in_order_over_many_batches(narrow, cluster):
    large = "x" * (KAFKA_BATCH_BYTES_MAX // 5)
    events = [event(f"m{turn % 2}.{turn // 2}", f"m{turn % 2}", text=large) for turn in range(20)]
    await narrow.put(events)
    ids = await asyncio.to_thread(cluster.ids, "narrow")
    assert len(ids) == 20
    assert in_order(ids, 2, 10)


async def test_what_may_be_tried_again_is(narrow, cluster):
    cluster.refuse(NOT_LEADER, NOT_LEADER)
    await narrow.put(trail(3, 3))
    assert await asyncio.to_thread(cluster.ids, "narrow") == [one["id"] for one in trail(3, 3)]


async def test_what_a_put_could_not_do_is_done_by_the_next_and_the_rest_is_left_out(sink, cluster):
    cluster.refuse(DENIED)
    with pytest.raises(TopicAuthorizationFailedError):
        await sink.put(trail(20, 2))
    taken = await asyncio.to_thread(cluster.ids, "trail")
    assert 0 < len(taken) < 40
    await sink.put(trail(20, 2))
    assert Counter(await asyncio.to_thread(cluster.ids, "trail")) == Counter(one["id"] for one in trail(20, 2))


async def test_a_cluster_that_is_away_takes_all_when_it_is_back(sink, cluster):
    await sink.put(trail(5, 2)[:3])
    cluster.shut()
    with pytest.raises(ERRORS):
        await sink.put(trail(5, 2))
    cluster.open()
    await put_until_taken(sink, trail(5, 2), ERRORS)
    ids = await asyncio.to_thread(cluster.ids, "trail")
    assert set(ids) == {one["id"] for one in trail(5, 2)}
    assert in_order(ids, 5, 2)


async def test_a_cluster_that_goes_away_again_and_again_loses_nothing(sink, cluster):
    putting = asyncio.create_task(put_until_taken(sink, trail(100, 5), ERRORS))
    for _ in range(3):
        cluster.shut()
        await asyncio.to_thread(cluster.open)
    await putting
    assert in_order(await asyncio.to_thread(cluster.ids, "trail"), 100, 5)


async def test_what_the_topic_will_never_take_is_told_elsewhere_and_what_is_behind_it_goes_on(narrow, cluster):
    await narrow.put([event("first", "m9")])
    cluster.refuse(TOO_LARGE, 0, TOO_LARGE, TOO_LARGE)  # of four: all, the first two, the other two, the third
    await narrow.put(trail(4, 1))
    assert await asyncio.to_thread(cluster.ids, "narrow") == ["first", "m0.0", "m1.0", "m3.0"]
    assert narrow.buried == 1
    (letter,) = await asyncio.to_thread(cluster.events, "graves")
    assert letter["sink"] == "kafka:narrow"
    assert letter["event"] == trail(4, 1)[2]
    assert "MessageSizeTooLarge" in letter["reason"]


async def test_a_letter_that_is_too_large_itself_names_the_event(narrow, cluster):
    await narrow.put([event("first", "m9")])
    cluster.refuse(TOO_LARGE)
    await narrow.put([event("large", "m1", text="x" * DEAD_LETTER_BYTES_MAX)])
    (letter,) = await asyncio.to_thread(cluster.events, "graves")
    assert letter["event"] == {name: value for name, value in event("large").items() if name != "data"}


async def test_without_a_topic_for_them_dead_letters_are_in_the_log(cluster, caplog):
    sink = KafkaSink(Cluster(brokers=cluster.addresses), "narrow")
    await sink.put([event("first", "m9")])
    cluster.refuse(TOO_LARGE)
    await sink.put([event("large", "m1")])
    await sink.close()
    assert sink.buried == 1
    assert [record.event_id for record in caplog.records if "never take" in record.message] == ["large"]


async def test_nothing_is_buried_while_the_topic_has_taken_nothing(narrow, cluster):
    cluster.refuse(TOO_LARGE)
    with pytest.raises(KafkaError):
        await narrow.put([event("m0.0", "m0")])
    assert narrow.buried == 0
    await narrow.put([event("m0.0", "m0")])
    assert await asyncio.to_thread(cluster.ids, "narrow") == ["m0.0"]


async def test_an_event_is_not_buried_before_its_letter_is_taken(narrow, cluster):
    await narrow.put([event("first", "m9")])
    cluster.refuse(TOO_LARGE, DENIED)  # the event, and then its letter
    with pytest.raises(KafkaError):
        await narrow.put([event("large", "m1")])
    assert narrow.buried == 0
    cluster.refuse(TOO_LARGE)
    await narrow.put([event("large", "m1")])
    assert narrow.buried == 1
    assert len(await asyncio.to_thread(cluster.events, "graves")) == 1


async def test_a_counted_sink_knows_how_far_behind_the_topic_is(cluster):
    sink = CountedSink(KafkaSink(Cluster(brokers=cluster.addresses), "narrow"), clock=lambda: 1_800_000_060.0)
    late = event("m0.0", "m0") | {"time": "2027-01-15T08:00:00Z"}
    cluster.refuse(DENIED)
    with pytest.raises(KafkaError):
        await sink.put([late])
    assert sink.lag_s == 60.0
    await sink.put([late])
    assert sink.lag_s == 0.0
    await sink.close()
