"""Every list of events and of mails that a provider can be asked for: what its answers say, and what they lead to."""

from collections import deque

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drafts import json_values
from everpost.model.sighting import Sighting, Unreadable
from everpost.providers.contract import HttpResponse, Unclear
from everpost.providers.history import Listed
from everpost.wiring import PROVIDERS
from provider_cases import account_of

SINCE, UNTIL = 1_800_000_000.0, 1_800_000_900.0
BASE = "https://api.test"
NAMES = sorted(name for name, provider in PROVIDERS.items() if provider.history)
NO_SUCH_LIST = {"ses": "it has none", "smtp": "nor has a mail server"}
LISTS = ("items", "results", "events", "messages", "Data", "MessageEvents", "Messages", "Bounces", "emails", "data")
NAMED = {"links": {"next": "/api/v1/x"}, "paging": {"next": f"{BASE}/x"}, "next_page_cursor": "x", "has_more": True}
QUESTIONS_MAX = 12
FIELDS = st.sampled_from(
    [
        *("event", "type", "status", "state", "sg_message_id", "message_id", "MessageID", "ID", "id", "Status", "Type"),
        *("to", "email", "last_event", "created_at", "updated_at", "sent_at", "ReceivedAt", "BouncedAt", "ts", "flags"),
        *("last_tries", "smtp_events", "opens_detail", "details", "custom_args", "custom_variables", "StateID"),
        *(
            "State",
            "EventType",
            "EventAt",
            "event_type",
            "metadata",
            "Metadata",
            "tag",
            "email_id",
            "tags",
            "recipient",
        ),
    ]
)
WORDS = st.sampled_from(["bounced", "delivered", "sent", "failed", [], {}, "2027-01-15T08:00:00Z", 1_800_000_001, ""])
entries = st.dictionaries(FIELDS, WORDS | json_values, max_size=6) | json_values
bodies = st.builds(
    lambda lists, more: msgspec.json.encode(more | dict.fromkeys(LISTS, lists)),
    st.lists(entries, max_size=4),
    st.sampled_from([{}, NAMED]) | st.dictionaries(FIELDS, json_values, max_size=2),
)
answers = st.tuples(
    st.sampled_from([200, 200, 200, 401, 404, 429, 500]),
    bodies | (st.lists(entries, max_size=4) | json_values).map(msgspec.json.encode) | st.binary(),
)


def started(name):
    account = account_of(name, {"base_url": BASE})
    return PROVIDERS[name].history.start(account, SINCE, UNTIL)


def read(question, body, status=200):
    encoded = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return question.read(HttpResponse(status=status, headers={}, body=encoded))


def test_a_provider_that_lists_nothing_says_so_here():
    assert {*PROVIDERS} - {*NAMES} == set(NO_SUCH_LIST)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=60)
@given(told=st.lists(answers, min_size=1, max_size=QUESTIONS_MAX))
def test_whatever_comes_is_read_or_refused_and_nobody_else_is_asked(name, told):
    questions = deque([started(name)])
    for status, body in told:
        if not questions:
            break
        question = questions.popleft()
        assert question.request.url.startswith(f"{BASE}/")
        assert question.request.url.isascii()
        listed = read(question, body, status)
        assert isinstance(listed, Listed | Unclear)
        if isinstance(listed, Listed):
            assert all(isinstance(one, Sighting | Unreadable) for one in listed.told)
            questions.extend(listed.further)
        else:
            assert listed.reason


@pytest.mark.parametrize("name", NAMES)
def test_a_key_that_may_not_read_breaks_it_off(name):
    assert isinstance(read(started(name), {"error": "no"}, 401), Unclear)


def test_a_full_search_at_sendgrid_is_halved_until_it_holds_all():
    full = {"messages": [{"sg_message_id": f"m{at}", "status": "delivered"} for at in range(1000)]}
    halves = read(started("sendgrid"), full)
    assert halves.told == ()
    first, second = (msgspec.json.decode(question.request.body)["query"] for question in halves.further)
    assert first.endswith(second.partition(">= ")[2].partition(" AND")[0])  # one ends where the other begins
    question = halves.further[0]
    while len(halves.further) == 2:
        question, halves = halves.further[0], read(halves.further[0], full)
    assert len(halves.further) == 1000
    assert "1000 alone" in halves.left_out
    assert read(question, {"messages": full["messages"][:999]}).left_out == ""


def test_sendgrid_is_not_asked_for_mails_of_which_there_is_no_news():
    listed = read(started("sendgrid"), {"messages": [{"sg_message_id": "a/b", "status": "processed"}]})
    assert listed == Listed()
    (question,) = read(started("sendgrid"), {"messages": [{"sg_message_id": "a/b", "status": "bounced"}]}).further
    assert question.request.url == f"{BASE}/v3/logs/a%2Fb"


def test_an_event_of_sendgrids_log_is_that_of_its_webhook():
    event = {
        "event": "bounce",
        "type": "bounce",
        "email": "bob@example.org",
        "sg_event_id": "e1",
        "reason": "550 5.1.1",
    }
    log = {"custom_args": {"everpost_id": "em_1.0", "event": "open"}, "events": [event, {"event": "received"}]}
    (question,) = read(started("sendgrid"), {"messages": [{"sg_message_id": "a", "status": "bounced"}]}).further
    (told,) = read(question, log).told
    assert (told.event_id, told.delivery_id, told.kind, told.bounce) == ("e1", "em_1.0", "bounced", "hard")


def test_what_mandrill_leaves_out_is_said_and_the_rest_is_taken():
    mails = [{"_id": f"m{at}", "ts": SINCE + 1, "state": "sent", "email": "bob@example.org"} for at in range(1000)]
    listed = read(started("mandrill"), mails)
    assert len(listed.told) == 1000
    assert "more than 1000" in listed.left_out


def test_mandrill_tells_why_it_has_refused_a_mail():
    mail = {"_id": "m", "ts": SINCE + 1, "state": "rejected", "email": "bob@example.org", "reject": {"reason": "spam"}}
    (told,) = read(started("mandrill"), [mail]).told
    assert (told.kind, told.reason, told.event_id) == ("rejected", "suppressed_complaint", None)


def test_what_postmark_leaves_out_is_said():
    question, pages = started("postmark"), 0
    listed = read(question, {"Bounces": [{}] * 500})
    while "/bounces" in listed.further[-1].request.url:
        assert not listed.left_out
        listed, pages = read(listed.further[-1], {"Bounces": [{}] * 500}), pages + 1
    assert pages == 10_000 // 500 - 1
    assert "10000 bounces" in listed.left_out


def test_postmark_is_asked_for_the_days_of_new_york_and_their_mails_of_this_time_are_looked_at():
    assert "fromdate=2027-01-15&todate=2027-01-16" in started("postmark").request.url
    late = {"MessageID": "m", "ReceivedAt": "2027-01-15T03:00:00-05:00"}
    mails = read(started("postmark"), {"Bounces": []}).further[0]
    assert len(read(mails, {"Messages": [late, late | {"ReceivedAt": "2027-01-15T02:59:59-05:00"}]}).further) == 1


def test_who_was_put_on_a_list_by_postmark_has_not_left_it():
    mails = read(started("postmark"), {"Bounces": []}).further[0]
    (question,) = read(mails, {"Messages": [{"MessageID": "m"}]}).further
    change = {"Type": "SubscriptionChanged", "Recipient": "bob@example.org", "ReceivedAt": "2027-01-15T08:00:00Z"}
    details = [{"Origin": "Recipient", "SuppressSending": said} for said in ("True", "False")] + [{}]
    told = read(question, {"MessageID": "m", "MessageEvents": [change | {"Details": each} for each in details]}).told
    assert [one.kind for one in told] == ["unsubscribed"]


def test_a_bounce_at_postmark_has_the_id_of_its_webhook_and_a_complaint_has_none():
    bounces = [{"ID": 7, "Type": "HardBounce", "MessageID": "m"}, {"ID": 8, "Type": "SpamComplaint", "MessageID": "m"}]
    listed = read(started("postmark"), {"Bounces": [each | {"Email": "bob@example.org"} for each in bounces]})
    mail = {"Metadata": {"everpost_id": "em_1.0"}}
    told = [one for question in listed.further[:2] for one in read(question, mail).told]
    assert [(one.kind, one.event_id) for one in told] == [("bounced", "bounce:7"), ("complained", None)]
    assert {one.delivery_id for one in told} == {"em_1.0"}
    (forgotten,) = read(listed.further[0], {"ErrorCode": 701}, 422).told
    assert (forgotten.event_id, forgotten.delivery_id) == ("bounce:7", None)


def test_of_a_mail_at_mailjet_the_last_failure_alone_is_for_good():
    mail = {"ID": 1, "Status": "hardbounced", "StatePermanent": True, "StateID": 1, "ContactAlt": "bob@example.org"}
    (question,) = read(started("mailjet"), {"Data": [mail, {"ID": 2, "Status": "queued"}]}).further
    failed = [{"EventType": "bounced", "State": "greylisted", "EventAt": 1}, {"EventType": "bounced", "EventAt": 2}]
    told = read(question, {"Data": failed}).told
    assert [(one.kind, one.bounce, one.reason) for one in told] == [
        ("deferred", None, "greylisted"),
        ("bounced", "hard", "invalid_recipient"),
    ]


def test_mailtrap_is_read_until_its_mails_are_too_old():
    new = {"message_id": "m", "status": "delivered", "sent_at": "2027-01-15T08:10:00Z"}
    page, old = {"next_page_cursor": "c"}, new | {"sent_at": "2027-01-14T00:00:00Z"}
    assert len(read(started("mailtrap"), page | {"messages": [new]}).further) == 2
    assert len(read(started("mailtrap"), page | {"messages": [new, old]}).further) == 1


@pytest.mark.parametrize(
    ("state", "kind", "bounce"),
    [
        ({"status": "sent"}, "delivered", None),
        ({"status": "failed", "flags": ["blocklisted"]}, "rejected", None),
        ({"status": "failed", "flags": ["hard_bounce", "mailbox_not_found"]}, "bounced", "hard"),
        ({"status": "failed", "flags": ["hard_bounce"]}, "bounced", "soft"),
        ({"status": "failed"}, "bounced", "soft"),
        ({"status": "sending", "last_tries": [{"code": 451}]}, "deferred", None),
    ],
)
def test_a_state_at_scaleway_is_what_its_event_would_have_told(state, kind, bounce):
    mail = {"id": "e1", "mail_rcpt": "bob@example.org", "updated_at": "2027-01-15T08:10:00Z"}
    (told,) = read(started("scaleway"), {"emails": [mail | state]}).told
    assert (told.kind, told.bounce, told.provider_message_id) == (kind, bounce, "e1")


@pytest.mark.parametrize("state", [{"status": "new"}, {"status": "canceled"}, {"status": "sending"}, {}])
def test_a_mail_at_scaleway_of_which_there_is_no_news_tells_nothing(state):
    assert read(started("scaleway"), {"emails": [{"id": "e1"} | state]}) == Listed()
