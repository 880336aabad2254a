"""Which events may go out in one request."""

from hypothesis import given
from hypothesis import strategies as st

from everpost.model.limits import KINESIS_BATCH_BYTES_MAX, KINESIS_RECORD_BYTES_MAX, KINESIS_RECORDS_MAX
from everpost.sinks.kinesis.records import Record, next_batch, record_of

RECORDS = st.lists(
    st.builds(
        lambda id_, key, size: Record(id=id_, key=key, data=b"x" * size, event={}),
        st.uuids().map(str),
        st.sampled_from("abcdefgh"),
        st.sampled_from([1, 1000, 700_000, KINESIS_RECORD_BYTES_MAX - 1]),
    ),
    max_size=20,
)


def test_events_of_a_message_share_its_key_and_others_have_their_own():
    assert record_of({"id": "e1", "data": {"message_id": "m1"}}).key == "m1"
    assert record_of({"id": "e2", "subject": "account", "data": {}}).key == "e2"
    assert len(record_of({"id": "x" * 1000}).key) == 256


@given(RECORDS)
def test_batches_keep_the_limits_and_carry_all_in_the_order_of_each_key(records):
    pending, sent = list(records), []
    while pending:
        batch = next_batch(pending)
        assert batch
        assert len({record.key for record in batch}) == len(batch) <= KINESIS_RECORDS_MAX
        assert sum(record.size_bytes for record in batch) <= KINESIS_BATCH_BYTES_MAX
        sent += batch
        pending = [record for record in pending if record not in batch]
    for key in "abcdefgh":
        assert [one for one in sent if one.key == key] == [one for one in records if one.key == key]


def test_five_hundred_go_at_once():
    records = [Record(id=str(number), key=str(number), data=b"x", event={}) for number in range(501)]
    assert next_batch(records) == records[:500]


def test_the_key_counts_as_part_of_the_size():
    def record(size):
        return Record(id="e", key="ü" * 8, data=b"x" * size, event={})

    assert not record(KINESIS_RECORD_BYTES_MAX - 16).is_too_large
    assert record(KINESIS_RECORD_BYTES_MAX - 15).is_too_large
