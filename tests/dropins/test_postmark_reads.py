"""Mails and bounces, as Postmark's clients look for them."""

from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest

from dropins.mail_place import opened_place
from everpost.entrypoints.http.app import build_app
from everpost.model.event import EventType
from everpost.model.key import Scope
from http_kit import Caller


@pytest.fixture
async def place():
    async with opened_place() as place:
        yield place


async def asked(place, path, **query):
    answer = await place.call("GET", f"{path}?{urlencode(query)}" if query else path)
    assert answer.status == 200, answer.body
    return answer.json


async def test_mails_are_listed_newest_first_from_page_to_page(place):
    mails = [await place.send(f"r{number}@example.org") for number in range(5)][::-1]
    pages = [await asked(place, "/messages/outbound", count=2, offset=offset) for offset in (0, 2, 4, 6)]
    assert [[each["MessageID"] for each in page["Messages"]] for page in pages] == [
        mails[:2],
        mails[2:4],
        mails[4:],
        [],
    ]
    assert [page["TotalCount"] for page in pages] == [3, 5, 5, 6]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"recipient": "BOB@example.org"}, {"bob"}),
        ({"tag": "news"}, {"zoe"}),
        ({"status": "sent"}, {"bob", "zoe"}),
        ({"status": "queued"}, set()),
        ({"tag": "news", "recipient": "bob@example.org"}, set()),
        ({"messagestream": "outbound"}, {"bob", "zoe"}),
        ({"fromdate": "2000-01-01", "toDate": "2001-01-01"}, set()),
        ({"fromdate": "{today}", "todate": "{today}"}, {"bob", "zoe"}),
        ({"fromDate": "{today}T00:00:00", "todate": "{today}T23:59:59"}, {"bob", "zoe"}),
    ],
)
async def test_filters_hold_together(place, query, found):
    await place.send("bob@example.org")
    await place.send("zoe@example.org", tags=["news"])
    today = datetime.fromtimestamp(place.services.clock.now(), UTC).date().isoformat()
    told = {name: text.replace("{today}", today) for name, text in query.items()}
    page = await asked(place, "/messages/outbound", **told)
    assert {each["Recipients"][0][:3] for each in page["Messages"]} == found


async def test_a_mail_is_shown_with_what_became_of_it(place):
    mail = await place.send(
        "Bob <bob@example.org>", cc=["zoe@example.org"], html="<p>It works</p>", metadata={"a": "b"}
    )
    await place.tell(mail, EventType.RECIPIENT_DELIVERED, place=0, smtp_code=250)
    await place.tell(mail, EventType.RECIPIENT_BOUNCED, place=1, text="no such user")
    await place.tell(mail, EventType.RECIPIENT_OPENED)
    shown = await asked(place, f"/messages/outbound/{mail}/details")
    assert (shown["To"], shown["Cc"]) == (
        [{"Email": "bob@example.org", "Name": "Bob"}],
        [{"Email": "zoe@example.org", "Name": None}],
    )
    assert (shown["TextBody"], shown["HtmlBody"], shown["Metadata"]) == ("It works", "<p>It works</p>", {"a": "b"})
    events = [(each["Recipient"], each["Type"], each["Details"]) for each in shown["MessageEvents"]]
    assert events == [
        ("bob@example.org", "Delivered", {"DeliveryMessage": "smtp;250"}),
        ("zoe@example.org", "Bounced", {"Summary": "no such user"}),
    ]


async def test_what_was_refused_is_told_in_postmark_s_words(place):
    mail = await place.send(tags=["news"])
    numbers = [
        await place.tell(mail, EventType.RECIPIENT_BOUNCED, place=0, bounce="hard", text="no such user"),
        await place.tell(mail, EventType.RECIPIENT_BOUNCED, place=0, bounce="soft"),
        await place.tell(mail, EventType.RECIPIENT_BOUNCED, place=0, bounce="soft", reason="content"),
        await place.tell(mail, EventType.RECIPIENT_REJECTED, place=0, reason="suppressed_bounce"),
        await place.tell(mail, EventType.RECIPIENT_DEFERRED, place=0, reason="content"),
        await place.tell(mail, EventType.RECIPIENT_COMPLAINED, place=0),
        await place.tell(mail, EventType.RECIPIENT_UNSUBSCRIBED, place=0),
    ]
    page = await asked(place, "/bounces", count=50, offset=0)
    assert [each["ID"] for each in page["Bounces"]] == numbers[::-1]
    assert [(each["Type"], each["TypeCode"], each["Inactive"]) for each in page["Bounces"][::-1]] == [
        ("HardBounce", 1, True),
        ("SoftBounce", 4096, False),
        ("SpamNotification", 512, False),
        ("ManuallyDeactivated", 100_002, False),
        ("Transient", 2, False),
        ("SpamComplaint", 100_001, True),
        ("Unsubscribe", 16, True),
    ]
    assert await asked(place, f"/bounces/{numbers[0]}") == page["Bounces"][-1]
    assert page["Bounces"][-1]["Details"] == "no such user"
    assert await asked(place, f"/bounces/{numbers[0]}/dump") == {"Body": ""}
    told = await asked(place, "/deliverystats")
    assert told == await asked(place, "/deliveryStats")
    assert told["InactiveMails"] == 1
    assert {each["Type"]: each["Count"] for each in told["Bounces"]}.items() >= {"All": 7, "Unsubscribe": 1}.items()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"type": "HardBounce"}, ["HardBounce"]),
        ({"inactive": "false"}, ["SoftBounce"]),
        ({"inactive": "True"}, ["HardBounce"]),
        ({"emailFilter": "ZOE"}, ["SoftBounce"]),
        ({"tag": "news"}, ["HardBounce"]),
        ({"messageID": "{mail}"}, ["HardBounce"]),
        ({"count": "1"}, ["SoftBounce"]),
        ({"count": "1", "offset": "1"}, ["HardBounce"]),
        ({"offset": "2"}, []),
        ({"todate": "2001-01-01"}, []),
    ],
)
async def test_bounces_are_filtered(place, query, found):
    mail, other = await place.send(tags=["news"]), await place.send("zoe@example.org")
    await place.tell(mail, EventType.RECIPIENT_BOUNCED, place=0, bounce="hard")
    await place.tell(other, EventType.RECIPIENT_BOUNCED, place=0, bounce="soft")
    page = await asked(place, "/bounces", **{name: text.replace("{mail}", mail) for name, text in query.items()})
    assert [each["Type"] for each in page["Bounces"]] == found


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ("/messages/outbound?count=0", 300),
        ("/messages/outbound?count=501", 300),
        ("/messages/outbound?count=500&offset=9501", 300),
        ("/messages/outbound?offset=-1", 300),
        ("/messages/outbound?status=lost", 300),
        ("/messages/outbound?fromdate=soon", 300),
        ("/messages/outbound?fromdate=0001-01-01", 300),
        ("/messages/outbound?fromdate=2030-01-01&fromDate=2031-01-01", 300),
        ("/messages/outbound?messagestream=broadcast", 300),
        ("/messages/outbound?subject=Hello", 700),
        ("/messages/outbound/em_none/details", 701),
        ("/bounces?type=Loud", 300),
        ("/bounces?inactive=perhaps", 300),
        ("/bounces/x", 407),
        ("/bounces/0", 407),
        ("/bounces/1/dump", 407),
        ("/bounces/x/dump", 407),
        ("/bounces/1", 407),
        ("/bounces/9999999999999999999", 407),
        ("/bounces/999999999999999999", 407),
    ],
)
async def test_what_makes_no_sense_or_is_not_there_is_told_in_postmark_s_form(place, target, code):
    await place.send()
    answer = await place.call("GET", target)
    assert (answer.status, answer.json["ErrorCode"], [*answer.json]) == (422, code, ["ErrorCode", "Message"])


async def test_a_key_sees_its_project_alone_and_contents_only_if_it_may_send(place):
    call = Caller(build_app(replace(place.services, keyring=place.engine.keyring)))
    mail = await place.send()
    number = await place.tell(mail, EventType.RECIPIENT_BOUNCED, place=0, bounce="hard")

    async def told(project, scope):
        _, token = await place.engine.keyring.create(project, scope, "")
        paths = ("/messages/outbound", "/bounces", f"/bounces/{number}", f"/messages/outbound/{mail}/details")
        answers = [await call("GET", path, b"", {"x-postmark-server-token": token}) for path in paths]
        counts = [len(answer.json.get("Messages", answer.json.get("Bounces", "-"))) for answer in answers[:2]]
        return counts, [answer.status for answer in answers[2:]]

    assert await told("default", Scope.SEND) == ([1, 1], [200, 200])
    assert await told("default", Scope.READ) == ([1, 1], [200, 401])
    assert await told("other", Scope.ADMIN) == ([0, 0], [422, 422])
