"""What became of mails, as Mailgun's clients ask for it."""

import base64
from dataclasses import replace
from urllib.parse import urlencode, urlsplit

import pytest

from dropins.mail_place import opened_place
from everpost.entrypoints.http import dropin_events
from everpost.entrypoints.http.app import build_app
from everpost.model.event import EventType
from everpost.model.key import Scope
from http_kit import Caller

EVENTS = "/v3/mg.example.com/events"
DIAGNOSIS = {"smtp_code": 550, "enhanced_status": "5.1.1", "text": "no such user", "bounce": "hard"}


@pytest.fixture
async def place():
    async with opened_place() as place:
        yield place


async def asked(place, **query):
    answer = await place.call("GET", f"{EVENTS}?{urlencode(query)}")
    assert answer.status == 200, answer.body
    return answer.json


async def follow(place, url):
    parts = urlsplit(url)
    assert parts.netloc == "127.0.0.1:8025"
    return (await place.call("GET", parts.path)).json


def words(page):
    return [(each["event"], each["recipient"], each.get("severity")) for each in page["items"]]


async def test_each_recipient_s_fate_is_told_in_mailgun_s_words(place):
    mail = await place.send("bob@example.org", "zoe@example.net", tags=["news"], metadata={"email-id": "7"})
    await place.tell(mail, EventType.RECIPIENT_DEFERRED, place=0, smtp_code=451, text="later")
    await place.tell(mail, EventType.RECIPIENT_DELIVERED, place=0, smtp_code=250)
    await place.tell(mail, EventType.RECIPIENT_BOUNCED, place=1, **DIAGNOSIS)
    await place.tell(mail, EventType.RECIPIENT_OPENED, place=0, machine="apple_mpp")
    await place.tell(mail, EventType.RECIPIENT_CLICKED, place=0)
    await place.tell(mail, EventType.RECIPIENT_UNSUBSCRIBED, place=0)
    await place.tell(mail, EventType.RECIPIENT_COMPLAINED, place=0)
    page = await asked(place, ascending="yes")
    assert words(page) == [
        ("accepted", "bob@example.org", None),
        ("accepted", "zoe@example.net", None),
        ("failed", "bob@example.org", "temporary"),
        ("delivered", "bob@example.org", None),
        ("failed", "zoe@example.net", "permanent"),
        ("opened", "bob@example.org", None),
        ("clicked", "bob@example.org", None),
        ("unsubscribed", "bob@example.org", None),
        ("complained", "bob@example.org", None),
    ]
    bounced = page["items"][4]
    assert bounced["message"]["headers"]["message-id"] == f"{mail}@example.com"
    assert bounced["user-variables"] == {"email-id": "7"}
    assert bounced["tags"] == ["news"]
    status = {"code": 550, "enhanced-code": "5.1.1", "message": "no such user", "description": "no such user"}
    assert (bounced["delivery-status"], bounced["reason"]) == (status, "bounce")
    assert page["items"][5]["client-info"] == {"bot": "apple"}
    assert len({each["id"] for each in page["items"]}) == 9


async def test_what_was_never_handed_over_has_failed(place):
    mail = await place.send("bob@example.org", "zoe@example.net")
    await place.tell(mail, EventType.SUPPRESSED, recipients=1, places=[1])
    await place.tell(mail, EventType.FAILED, text="no")
    await place.tell(mail, EventType.RECIPIENT_REJECTED, place=0, reason="suppressed_complaint")
    page = await asked(place, event="failed", ascending="yes")
    assert [(each["recipient"][:3], each["delivery-status"]["code"], each["reason"]) for each in page["items"]] == [
        ("zoe", 0, "generic"),
        ("bob", 0, "generic"),
        ("zoe", 0, "generic"),
        ("bob", 607, "suppress-complaint"),
    ]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"event": "delivered OR opened"}, ["delivered", "opened"]),
        ({"event": "failed", "severity": "temporary"}, ["failed"]),
        ({"event": "failed", "severity": "permanent"}, []),
        ({"event": "rejected OR stored"}, []),
        ({"tags": "other OR news", "event": "delivered"}, ["delivered"]),
        ({"tags": "other"}, []),
        ({"recipient": "BOB@example.org", "event": "opened"}, ["opened"]),
        ({"recipient": "eve@example.org"}, []),
        ({"message-id": "{mail}@example.com", "event": "opened"}, ["opened"]),
        ({"message-id": "<{mail}@example.com>", "event": "opened"}, ["opened"]),
        ({"message-id": "nothing@example.com"}, []),
    ],
)
@pytest.mark.parametrize("ascending", ["yes", "no"])
async def test_filters_hold_together(place, query, found, ascending):
    mail = await place.send(tags=["news"])
    await place.send("zoe@example.org")
    for type_ in (EventType.RECIPIENT_DELIVERED, EventType.RECIPIENT_DEFERRED, EventType.RECIPIENT_OPENED):
        await place.tell(mail, type_, place=0)
    told = {name: text.replace("{mail}", mail) for name, text in query.items()}
    page = await asked(place, ascending=ascending, **told)
    events = [each["event"] for each in page["items"]]
    assert events == (found if ascending == "yes" else found[::-1])


async def test_times_are_given_in_seconds_or_as_dates_and_say_the_direction(place):
    mail, now = await place.send(), int(place.services.clock.now())
    for hour in range(6):
        await place.tell(mail, EventType.RECIPIENT_OPENED, at=now + 3600 * hour, place=0)

    async def hours(**query):
        page = await asked(place, event="opened", **query)
        return [round((each["timestamp"] - now) / 3600) for each in page["items"]]

    date = "Thu, 01 Jan 1970 00:00:00 +0000"
    assert await hours() == [5, 4, 3, 2, 1, 0]
    assert await hours(begin=date) == [0, 1, 2, 3, 4, 5]
    assert await hours(begin=now + 3600, end=f"{now + 4 * 3600}.5") == [1, 2, 3, 4]
    assert await hours(begin=now + 2 * 3600 + 1, end=now) == [2, 1, 0]
    assert await hours(begin=now + 3600, ascending="no") == [0]


@pytest.mark.parametrize("ascending", ["yes", "no"])
async def test_links_lead_forth_to_an_empty_page_and_back_again(place, ascending):
    mail = await place.send()
    for _ in range(5):
        await place.tell(mail, EventType.RECIPIENT_OPENED, place=0)
        await place.tell(mail, EventType.RECIPIENT_DELIVERED, place=0)
    pages = [await asked(place, event="opened", limit=2, ascending=ascending)]
    while pages[-1]["items"]:
        pages.append(await follow(place, pages[-1]["paging"]["next"]))
    told = [[each["id"] for each in page["items"]] for page in pages]
    assert [len(page) for page in told] == [2, 2, 1, 0]
    assert len({each for page in told for each in page}) == 5
    back = await follow(place, pages[-1]["paging"]["previous"])
    assert [each["id"] for each in back["items"]] == [*told[1][1:], *told[2]]
    further = await follow(place, back["paging"]["previous"])
    assert [each["id"] for each in further["items"]] == [told[0][1], told[1][0]]


async def test_an_empty_page_is_the_end_though_much_else_lies_between(place, monkeypatch):
    monkeypatch.setattr(dropin_events, "ROUNDS_MAX", 2)
    monkeypatch.setattr("everpost.engine.search.EVENT_LOOKS_MAX", 8)
    monkeypatch.setattr("everpost.engine.search.EVENTS_PAGE_MAX", 4)
    mail = await place.send()
    for _ in range(12):
        await place.tell(mail, EventType.RECIPIENT_SENT, place=0)
    await place.tell(mail, EventType.RECIPIENT_OPENED, place=0)
    assert words(await asked(place, event="opened", ascending="yes")) == [("opened", "bob@example.org", None)]


async def test_whoever_has_begun_at_the_end_is_told_what_comes_later(place):
    mail = await place.send()
    page = await asked(place, begin="0", event="opened")
    await place.tell(mail, EventType.RECIPIENT_OPENED, place=0)
    assert len((await follow(place, page["paging"]["next"]))["items"]) == 1


async def test_a_mail_that_is_gone_has_no_events(place):
    await place.tell("em_gone", EventType.RECIPIENT_OPENED, place=0)
    assert (await asked(place))["items"] == []


@pytest.mark.parametrize(
    "query",
    [
        {"limit": "0"},
        {"limit": "301"},
        {"limit": "x"},
        {"begin": "yesterday"},
        {"begin": "Thu, 31 Jan 2030 09:00:00"},
        {"begin": "9" * 40},
        {"begin": "20", "end": "10", "ascending": "yes"},
        {"ascending": "maybe"},
        {"event": "delivered AND opened"},
        {"colour": "red"},
    ],
)
async def test_a_question_that_makes_no_sense_is_refused_in_mailgun_s_form(place, query):
    answer = await place.call("GET", f"{EVENTS}?{urlencode(query)}")
    assert (answer.status, [*answer.json]) == (400, ["message"])


@pytest.mark.parametrize(
    "link",
    [
        b"",
        b"\xff",
        b"x" * 300,
        b"[" * 100_000,
        b"{}",
        b'{"query":{},"place":-1,"is_before":true}',
        b'{"query":{},"place":1%s,"is_before":false}' % (b"0" * 30),
        b'{"query":{},"place":1%s,"is_before":false}' % (b"0" * 18),
        b'{"query":{"limit":7},"place":1,"is_before":false}',
        b'{"query":{"limit":"7000"},"place":1,"is_before":false}',
    ],
)
async def test_a_page_that_was_never_given_is_refused(place, link):
    token = base64.urlsafe_b64encode(link).decode() or "%20"
    answer = await place.call("GET", f"{EVENTS}/{token}")
    assert (answer.status, [*answer.json]) == (400, ["message"])


async def test_a_key_sees_the_events_of_its_project_alone(place):
    call = Caller(build_app(replace(place.services, keyring=place.engine.keyring)))
    mail = await place.send()
    for project, scope in (("default", Scope.READ), ("other", Scope.ADMIN)):
        _, token = await place.engine.keyring.create(project, scope, "")
        login = base64.b64encode(f"api:{token}".encode()).decode()
        for query in ("", f"?message-id={mail}", "?ascending=yes"):
            answer = await call("GET", EVENTS + query, b"", {"authorization": f"Basic {login}"})
            assert len(answer.json["items"]) == (project == "default")
