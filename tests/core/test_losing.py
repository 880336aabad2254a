"""What a mail needs, what it would lose where, and that it loses nothing that it may not."""

import pytest
from hypothesis import given

from core_values import board, carrier, queued, route, standing
from drafts import drafts
from everpost.core.admit import admit
from everpost.core.decide import decide
from everpost.core.explain import awaited_account
from everpost.core.fit import misfit
from everpost.core.losing import allowed, losses, needs_of
from everpost.dialects import raw
from everpost.model.capability import MEANING, UNSEEN, FileTypes, Limits, Loss
from everpost.model.message import Attachment
from store_values import NOW, message

GENEROUS = Limits(recipients_max=1000, content_bytes_max=1_000_000)
INVITATION = Attachment(filename="a.ics", content_type="text/calendar; method=REQUEST", content=b"x")


def limits(**fields):
    return Limits(recipients_max=1000, content_bytes_max=1_000_000, **fields)


def file(filename, content_type="application/pdf", content_id=None):
    return message(
        attachments=(Attachment(filename=filename, content_type=content_type, content=b"x", content_id=content_id),)
    )


BY_NAME = {"file_types": FileTypes.BY_NAME}
LOST = [
    (message(tags=("a", "b")), {"tags_max": 1}, Loss.TAGS),
    (message(tags=("a",)), {"tags_max": 0}, Loss.TAGS),
    (message(tags=("ä" * 33,)), {"tag_bytes_max": 64}, Loss.TAGS),
    (message(metadata={"a": "1"}), {"metadata": False}, Loss.METADATA),
    (message(headers={"Message-id": "<a@b>"}), {"message_id": False}, Loss.MESSAGE_ID),
    (message(headers={"List-Unsubscribe": "<x>"}), {"headers_dropped": frozenset({"list-unsubscribe"})}, Loss.HEADERS),
    (file("a.png", "image/png", "logo"), {"inline_names": False}, Loss.INLINE_NAMES),
    (file("Überweisung.pdf"), {"file_names_ascii": True}, Loss.FILE_NAMES),
    (file("a.pdf", "text/plain"), BY_NAME, Loss.FILE_TYPES),
    (file("unknown", "application/pdf"), BY_NAME, Loss.FILE_TYPES),
    (file("a.txt", 'text/plain; charset="iso-8859-1"'), {"file_types": FileTypes.NO_CHARSET}, Loss.FILE_TYPES),
    (file("a.eml", "message/rfc822"), {"file_types": FileTypes.NO_COMPOSITES}, Loss.FILE_TYPES),
    (message(attachments=(INVITATION,)), BY_NAME, Loss.CALENDAR),
]
KEPT = [
    (message(tags=("a", "a")), {"tags_max": 1}),
    (message(tags=("a" * 64,)), {"tag_bytes_max": 64}),
    (message(headers={"X-Order": "1"}), {"message_id": False, "headers_dropped": frozenset({"list-unsubscribe"})}),
    (file("a.png", "image/png", "a.png"), {"inline_names": False}),
    (file("a.pdf"), {"file_names_ascii": True}),
    (file("a.PDF"), BY_NAME),
    (file("a.xml", "text/xml"), BY_NAME),
    (file("a.ics", "text/calendar"), BY_NAME),
    (file("unknown", "application/octet-stream"), BY_NAME),
    (file("a.txt", "text/plain; charset=utf-8"), {"file_types": FileTypes.NO_CHARSET}),
    (file("a.txt", "text/plain"), {"file_types": FileTypes.NO_COMPOSITES}),
    (message(attachments=(INVITATION,)), {}),
]


@pytest.mark.parametrize(("mail", "given_limits", "loss"), LOST)
def test_what_a_provider_has_no_place_for_is_lost_there(mail, given_limits, loss):
    assert [*losses(mail, limits(**given_limits))] == [loss]


@pytest.mark.parametrize(("mail", "given_limits"), KEPT)
def test_what_it_has_a_place_for_is_not(mail, given_limits):
    assert losses(mail, limits(**given_limits)) == {}


@given(drafts())
def test_a_provider_without_gaps_loses_nothing(draft):
    assert losses(draft, GENEROUS) == {}


@pytest.mark.parametrize(("mail", "given_limits", "loss"), LOST)
def test_a_mail_goes_only_where_it_loses_what_it_may(mail, given_limits, loss):
    def reason(**fields):
        return misfit(
            message(**{name: getattr(mail, name) for name in ("tags", "metadata", "headers", "attachments")}, **fields),
            carrier(**given_limits),
        )

    assert reason(allow_loss=(loss,)) is None
    assert f"`{loss}` in allow_loss" in reason(allow_loss=())
    assert f"`{loss}` in allow_loss" in reason(allow_loss=tuple(each for each in Loss if each is not loss))
    assert (reason() is None) is (loss in UNSEEN)


HEADERS, TAGS = (Loss.HEADERS,), (Loss.TAGS,)
ALLOWED = [
    (None, None, UNSEEN),
    (None, HEADERS, {*HEADERS}),
    (None, (), set()),
    (TAGS, None, {*TAGS}),
    (TAGS, HEADERS, {*TAGS, *HEADERS}),
    (TAGS, (), {*TAGS}),
    ((), HEADERS, set()),
    ((), None, set()),
]


@pytest.mark.parametrize(("own", "policy", "found"), ALLOWED)
def test_a_mail_adds_to_what_its_route_lets_it_lose_or_forbids_all_of_it(own, policy, found):
    assert {*allowed(message(allow_loss=own), policy)} == found


@pytest.mark.parametrize(("policy", "account"), [(None, "b"), (HEADERS, "a"), ((), "b")])
def test_the_policy_of_the_route_decides_who_carries_the_mail(policy, account):
    mail = message(headers={"List-Unsubscribe": "<x>"})
    gaps = {"headers_dropped": frozenset({"list-unsubscribe"})}
    where, known = route("a", "b", allow_loss=policy), board(standing("a", limits=gaps), standing("b"))
    decision = decide(queued(), mail, where, known, {}, 0.5)
    assert (decision.account, decision.lost) == (account, HEADERS if account == "a" else ())
    assert awaited_account(queued(), mail, where, known, 0.5) == account
    alone = admit(mail, {"default": route("a", allow_loss=policy)}, {"a": carrier("a", **gaps)}, NOW)
    assert (alone is None) is (account == "a")


def test_every_loss_is_explained():
    assert MEANING.keys() == set(Loss)


def test_a_mail_says_what_it_is_made_of():
    mail = message(
        text="é",
        tags=("a",),
        metadata={"b": "c"},
        headers={"Message-ID": "<a@b>"},
        attachments=(INVITATION, Attachment(filename="b.png", content_type="image/png", content=b"x", content_id="b")),
    )
    found = needs_of(mail)
    assert (found.attachments, found.inline, found.calendar, found.headers, found.tags, found.metadata) == (
        2,
        1,
        1,
        1,
        1,
        1,
    )
    assert found.message_id
    assert not found.raw


@pytest.mark.parametrize(("more", "own"), [(b"Message-ID: <a@b>\r\n", True), (b"X-Message-ID: <a@b>\r\n", False)])
def test_a_whole_mail_needs_only_to_be_taken_whole(more, own):
    head = b"From: ann@example.com\r\nTo: bob@example.org\r\nDate: Thu, 01 Jan 2026 09:00:00 +0000\r\n"
    mail = raw.parse(head + more + b"\r\nMessage-ID: in the body\r\n")
    found = needs_of(mail)
    assert (found.raw, found.message_id, found.attachments) == (True, own, 0)
    assert found.size_bytes == len(mail.raw)
    assert misfit(mail, carrier(not_raw="why")) == "it takes no mail as it stands (raw MIME): why"
    assert misfit(mail, carrier(raw=True)) is None
    assert [*losses(mail, limits(raw=True, message_id=False))] == ([Loss.MESSAGE_ID] if own else [])
    dropped = frozenset({"message-id", "list-unsubscribe"})
    assert [*losses(mail, limits(raw=True, headers_dropped=dropped))] == ([Loss.HEADERS] if own else [])
