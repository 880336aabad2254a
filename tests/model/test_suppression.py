"""Which suppression stops which mail, and when."""

from hypothesis import given
from hypothesis import strategies as st

from everpost.model.message import Address, Draft
from everpost.model.suppression import Source, Suppression, barring, covers, digest_of, source_of, stops, yields
from store_values import message

STREAMS = st.sampled_from(["", "news", "offers"])
TIMES = st.integers(0, 5).map(float)
ROWS = st.builds(
    Suppression,
    project=st.just("shop"),
    address=st.just("bob@example.org"),
    reason=st.just("r"),
    created_at=st.just(0.0),
    stream=STREAMS,
    source=st.sampled_from(Source),
    expires_at=st.none() | TIMES,
)
MAILS = st.builds(Draft, sender=st.just(Address("ann@example.com")), stream=STREAMS, ignores_unsubscribe=st.booleans())


@given(ROWS, MAILS, TIMES)
def test_it_stops_all_mail_or_that_of_its_stream_until_it_ends(row, mail, now):
    is_meant = row.stream in {"", mail.stream}
    is_over = row.expires_at is not None and now >= row.expires_at
    is_ignored = mail.ignores_unsubscribe and row.source == "unsubscribe"
    assert stops(row, mail, now) == (is_meant and not is_over and not is_ignored)
    assert yields(row, mail, now) == (is_meant and not is_over and is_ignored)


@given(ROWS, ROWS, MAILS, TIMES)
def test_what_covers_another_stops_whatever_that_would(known, further, mail, now):
    if known.stream == further.stream and covers(known, further) and stops(further, mail, now):
        assert stops(known, mail, now)


def test_what_a_mail_may_be_stopped_by_is_known_without_the_address():
    of = message(stream="news")
    assert barring(of) == {digest_of("shop", "BOB@example.org"), digest_of("shop", "bob@example.org", "news")}


@given(st.lists(st.tuples(st.text(), st.text(), st.text()), min_size=2, max_size=2, unique=True))
def test_no_two_are_known_by_the_same_digest(two):
    projects, addresses, streams = zip(*two, strict=True)
    lowered = list(zip(projects, map(str.lower, addresses), streams, strict=True))
    digests = [digest_of(*one) for one in two]
    assert (digests[0] == digests[1]) == (lowered[0] == lowered[1])


def test_the_words_of_an_older_everpost_tell_how_it_was_known():
    old = ("a hard bounce, as a has told", "a complaint, as a has told", "an unsubscription, as a has told", "imported")
    assert [source_of("", words) for words in (*old, "by phone")] == [
        Source.BOUNCE,
        Source.COMPLAINT,
        Source.UNSUBSCRIBE,
        Source.IMPORT,
        Source.PERSON,
    ]
    assert source_of("complaint", "by phone") is Source.COMPLAINT
