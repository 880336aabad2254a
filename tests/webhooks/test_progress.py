"""How progress changes: nothing is lost, and nothing grows without end."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from everpost.model.event import Event, EventType
from everpost.model.limits import (
    WEBHOOK_ATTEMPTS_KEPT_MAX,
    WEBHOOK_FAILING_S_MAX,
    WEBHOOK_WAITING_MAX,
)
from everpost.model.webhook import Progress, Replay, Waiting
from everpost.webhooks import progress as folding
from everpost.webhooks.progress import BATCH, End, Job, Reach, Result
from everpost.webhooks.schedule import PAUSES_S, RESTS_AFTER, RETRY_AFTER_S_MAX

NOW = 1_800_000_000.0
ENDS = st.sampled_from([None, *End])
DOCUMENT_BYTES_MAX = 100_000  # DynamoDB takes 400 KB


def event(seq):
    return Event(id=f"em_1.0:{seq}", type=EventType.SENT, at=NOW, project="shop")


def job(seq, end, tried=0, **fields):
    result = (
        None if end is None else Result(end=end, at=NOW, error="" if end is End.TAKEN else "answered 500", **fields)
    )
    return Job(seq=seq, event=event(seq), tried=tried, result=result)


def after(progress, *jobs, now=NOW, chance=0.0, lost=()):
    return folding.folded(progress, jobs, frozenset(lost), now, chance)


FRESH = Progress(cursor=0)


@given(st.lists(st.tuples(st.integers(0, len(PAUSES_S)), ENDS), max_size=BATCH))
def test_each_event_is_taken_given_up_or_waits(rows):
    jobs = [job(seq, end, tried) for seq, (tried, end) in enumerate(rows, 1)]
    done = after(FRESH, *jobs)
    waiting = {one.seq: one for one in done.waiting}
    assert done.delivered == sum(end is End.TAKEN for _, end in rows)
    assert done.delivered + done.given_up + len(waiting) == len(rows)
    for each in jobs:
        end = each.result and each.result.end
        assert (each.seq in waiting) is (end is None or (end is End.FAILED and each.tried < len(PAUSES_S)))
        if each.seq in waiting:
            assert waiting[each.seq].tried == each.tried + (end is End.FAILED)


@given(st.data())
def test_what_is_due_comes_in_order_in_bounded_pieces_and_leaves_room_only_up_to_the_bound(data):
    due_at = st.floats(NOW - 100, NOW + 100)
    count = data.draw(st.integers(0, WEBHOOK_WAITING_MAX))
    waiting = tuple(Waiting(seq, 1, data.draw(due_at)) for seq in range(1, min(count, 60) + 1))
    progress = replace(FRESH, waiting=waiting, failures=data.draw(st.integers(0, 2 * RESTS_AFTER)))
    ripe = folding.due(progress, NOW)
    assert len(ripe) <= BATCH
    assert all(one.due_at <= NOW for one in ripe)
    assert [one.due_at for one in ripe] == sorted(one.due_at for one in ripe)
    assert len(ripe) + folding.room(progress, NOW, len(ripe)) <= (1 if progress.failures >= RESTS_AFTER else BATCH)


def test_when_too_many_wait_the_next_ones_stay_in_the_trail():
    waiting = tuple(Waiting(seq, 1, NOW + 5) for seq in range(WEBHOOK_WAITING_MAX - 1))
    assert folding.room(replace(FRESH, waiting=waiting), NOW, 0) == 1
    assert folding.room(replace(FRESH, waiting=(*waiting, Waiting(9999, 1, NOW))), NOW, 0) == 0


def test_a_webhook_that_fails_again_and_again_is_left_alone_and_then_tried_by_one_event():
    failing = after(FRESH, *(job(seq, End.FAILED) for seq in range(RESTS_AFTER)))
    assert failing.rests_until > NOW
    assert folding.room(failing, NOW, 0) == 0
    assert folding.due(failing, NOW) == ()
    assert folding.room(failing, failing.rests_until, 0) == 1
    assert len(folding.due(failing, NOW + 1000)) == 1
    well = after(failing, job(0, End.TAKEN, 1), now=NOW + 1000)
    assert (well.failures, well.failing_since, well.ok_at) == (0, None, NOW)
    assert folding.room(well, NOW + 1000, 0) == BATCH


def test_a_receiver_that_asks_to_be_left_alone_is_for_an_hour_at_most():
    asked = after(FRESH, job(1, End.FAILED, retry_after_s=600.0))
    assert (asked.rests_until, asked.waiting[0].due_at) == (NOW + 600, NOW + 600)
    endless = after(FRESH, job(1, End.FAILED, retry_after_s=1e9))
    assert endless.rests_until == NOW + RETRY_AFTER_S_MAX
    assert endless.waiting[0].due_at == NOW + RETRY_AFTER_S_MAX
    assert after(FRESH, job(1, End.FAILED, retry_after_s=-5.0)).rests_until == 0


def test_days_of_failing_count_from_the_first_failure_and_end_by_the_first_success():
    failing = after(FRESH, *(job(seq, End.FAILED) for seq in range(RESTS_AFTER)))
    assert not folding.has_failed_for_days(failing, NOW + WEBHOOK_FAILING_S_MAX - 1)
    assert folding.has_failed_for_days(failing, NOW + WEBHOOK_FAILING_S_MAX)
    assert not folding.has_failed_for_days(after(failing, job(1, End.TAKEN)), NOW + WEBHOOK_FAILING_S_MAX)
    once = after(FRESH, job(1, End.FAILED))
    assert not folding.has_failed_for_days(once, NOW + 2 * WEBHOOK_FAILING_S_MAX)


def test_an_event_that_is_no_longer_kept_waits_no_longer():
    waiting = replace(FRESH, waiting=(Waiting(1, 3, NOW), Waiting(2, 3, NOW)))
    done = after(waiting, job(2, End.TAKEN, 3), lost=[1])
    assert (done.waiting, done.given_up, done.delivered) == ((), 1, 1)


def test_cursors_only_go_on_and_a_replay_asked_for_meanwhile_stays():
    replay = Replay(since=0, until=NOW, cursor=5, last=90)
    progress = Progress(cursor=100, replay=replay)
    on = folding.moved(progress, Reach(cursor=120, replay=replay, replayed_to=50))
    assert (on.cursor, on.replay.cursor) == (120, 50)
    over = folding.moved(progress, Reach(cursor=90, replay=replay, replayed_to=90))
    assert (over.cursor, over.replay) == (100, None)
    assert folding.moved(progress, Reach(cursor=120)).replay == replay


def test_the_document_stays_small_however_much_waits_and_was_tried():
    waiting = tuple(Waiting(10**12 + seq, 9, NOW + seq / 7) for seq in range(WEBHOOK_WAITING_MAX))
    progress = replace(FRESH, cursor=10**12, waiting=waiting)
    for turn in range(20):
        jobs = [
            replace(job(seq, End.FAILED), result=Result(end=End.FAILED, at=NOW, error="x" * 500)) for seq in range(10)
        ]
        progress = after(replace(progress, waiting=waiting), *jobs, now=NOW + turn)
    assert len(progress.attempts) == WEBHOOK_ATTEMPTS_KEPT_MAX
    assert len(msgspec.json.encode(progress)) < DOCUMENT_BYTES_MAX
