"""Whom not to write to, as clients of Mailgun, Postmark and SendGrid list it and are told."""

import json
from dataclasses import replace
from urllib.parse import urlencode, urlsplit

import pytest

from dropins.mail_place import opened_place
from everpost.entrypoints.http import dropin_lists
from everpost.entrypoints.http.app import build_app
from everpost.model.key import DEFAULT_PROJECT, Scope
from everpost.model.key import Caller as Who
from everpost.model.suppression import Source, SuppressionDraft
from http_kit import Caller

MAILGUN = "/v3/mg.example.com"
POSTMARK = "/message-streams/outbound/suppressions"
FORM = {"content-type": "application/x-www-form-urlencoded"}
JSON = {"content-type": "application/json"}
SOMEBODY = Who(project=DEFAULT_PROJECT, who="local", scope=Scope.ADMIN)


@pytest.fixture
async def place():
    async with opened_place() as place:
        yield place


@pytest.fixture
async def filled(place):
    """One of each source, of all mail; and two that are none of these lists' business."""
    rows = [SuppressionDraft(address=f"{source}@example.org", reason="so", source=source) for source in Source]
    rows += [
        SuppressionDraft(address="left@example.org", reason="so", source=Source.UNSUBSCRIBE, stream="news"),
        SuppressionDraft(address="over@example.org", reason="so", source=Source.BOUNCE, expires_at=1.0),
    ]
    await place.engine.console.suppressing.put(SOMEBODY, rows)
    return place


async def listed(place, target):
    answer = await place.call("GET", target)
    assert answer.status == 200, answer.body
    return answer.json


@pytest.mark.parametrize(
    ("name", "sources"),
    [
        ("bounces", ["account", "bounce"]),
        ("complaints", ["complaint"]),
        ("unsubscribes", ["import", "person", "unsubscribe"]),
    ],
)
async def test_each_entry_stands_on_the_list_that_its_source_says(filled, name, sources):
    page = await listed(filled, f"{MAILGUN}/{name}")
    assert [each["address"] for each in page["items"]] == [f"{source}@example.org" for source in sources]
    assert all(each["created_at"].endswith("UTC") for each in page["items"])
    for source in Source:
        answer = await filled.call("GET", f"{MAILGUN}/{name}/{source}@example.org")
        assert answer.status == (200 if source in sources else 404)


async def test_pages_lead_to_an_empty_one(filled, monkeypatch):
    monkeypatch.setattr(dropin_lists, "_AT_ONCE", 2)
    page = await listed(filled, f"{MAILGUN}/unsubscribes?limit=2")
    found = [page["items"]]
    while page["items"]:
        following = urlsplit(page["paging"]["next"])
        assert following.netloc == "127.0.0.1:8025"
        page = await listed(filled, f"{following.path}?{following.query}")
        found.append(page["items"])
    assert [len(items) for items in found] == [2, 1, 0]


async def test_pages_lead_back_as_they_lead_forth(place, monkeypatch):
    monkeypatch.setattr(dropin_lists, "_AT_ONCE", 2)
    rows = [SuppressionDraft(address=f"{n}@example.org", reason="so", source=Source.BOUNCE) for n in range(7)]
    others = [SuppressionDraft(address=f"{n}x@example.org", reason="so", source=Source.COMPLAINT) for n in range(7)]
    await place.engine.console.suppressing.put(SOMEBODY, [*rows, *others])

    async def follow(page, name):
        leads = urlsplit(page["paging"][name])
        return await listed(place, f"{leads.path}?{leads.query}")

    def told(page):
        return [each["address"][0] for each in page["items"]]

    page = first = await listed(place, f"{MAILGUN}/bounces?limit=3")
    while page["items"]:
        page = await follow(page, "next")
    back = []
    while (page := await follow(page, "previous"))["items"]:
        back.append(told(page))
        if told(page)[0] == "0":
            break
    assert back == [["4", "5", "6"], ["1", "2", "3"], ["0"]]
    assert (told(await follow(page, "first")), told(await follow(first, "last"))) == (told(first), ["4", "5", "6"])
    empty = await follow(page, "previous")
    assert (empty["items"], told(await follow(empty, "next"))) == ([], told(first))


async def test_a_list_that_is_too_long_does_not_lead_back(filled, monkeypatch):
    monkeypatch.setattr(dropin_lists, "_AT_ONCE", 2)
    monkeypatch.setattr(dropin_lists, "LOOKS_MAX", 4)
    answer = await filled.call("GET", f"{MAILGUN}/bounces?page=last")
    assert (answer.status, "pages lead back" in answer.json["message"]) == (400, True)


@pytest.mark.parametrize(
    ("name", "body", "headers", "source", "reason"),
    [
        ("bounces", {"address": "Bob@Example.org", "code": 550, "error": "no user"}, FORM, "bounce", "550 no user"),
        ("bounces", [{"address": "bob@example.org", "code": "550"}], JSON, "bounce", "550"),
        ("complaints", [{"address": "bob@example.org"}], JSON, "complaint", "put on the list of complaints"),
        (
            "unsubscribes",
            {"address": "bob@example.org", "tag": "*"},
            FORM,
            "unsubscribe",
            "put on the list of unsubscribes",
        ),
        (
            "unsubscribes",
            [{"address": "bob@example.org", "tags": ["*"]}],
            JSON,
            "unsubscribe",
            "put on the list of unsubscribes",
        ),
    ],
)
async def test_who_is_put_on_a_list_is_not_written_to_until_taken_off(place, name, body, headers, source, reason):
    raw = urlencode(body).encode() if headers is FORM else json.dumps(body).encode()
    answer = await place.call("POST", f"{MAILGUN}/{name}", raw, headers)
    assert (answer.status, answer.json["message"]) == (200, f"Address has been added to the {name} table")
    found = await listed(place, "/v1/suppressions/bob@example.org")
    assert (found["source"], found["reason"], found["stream"]) == (source, reason, None)
    gone = await place.call("DELETE", f"{MAILGUN}/{name}/bob@example.org")
    assert (gone.status, gone.json["address"]) == (200, "bob@example.org")
    assert (await place.call("DELETE", f"{MAILGUN}/{name}/bob@example.org")).status == 404


async def test_an_entry_is_not_taken_off_by_the_way_of_another_list(filled):
    answer = await filled.call("DELETE", f"{MAILGUN}/bounces/complaint@example.org")
    assert (answer.status, [*answer.json]) == (404, ["message"])
    assert await listed(filled, "/v1/suppressions/complaint@example.org")


async def test_many_are_put_on_a_list_at_once(place):
    rows = [{"address": f"r{number}@example.org"} for number in range(3)]
    answer = await place.call("POST", f"{MAILGUN}/bounces", json.dumps(rows).encode(), JSON)
    assert answer.json == {"message": "3 addresses have been added to the bounces table"}


@pytest.mark.parametrize(
    ("method", "target", "body", "headers"),
    [
        ("GET", "bounces?limit=0", b"", {}),
        ("GET", "bounces?limit=1001", b"", {}),
        ("GET", "bounces?page=previous", b"", {}),
        ("GET", "bounces?page=backwards", b"", {}),
        ("GET", "bounces/nobody", b"", {}),
        ("POST", "bounces", b"", JSON),
        ("POST", "bounces", b"[]", JSON),
        ("POST", "bounces", b"7", JSON),
        ("POST", "bounces", b'[{"address": 7}]', JSON),
        ("POST", "bounces", b'[{"address": "nobody"}]', JSON),
        ("POST", "bounces", b'[{"address": "bob@example.org\\r\\nBcc: eve@example.org"}]', JSON),
        ("POST", "bounces", b'[{"address": "bob@example.org", "error": "a\\r\\nb"}]', JSON),
        ("POST", "bounces", b'[{"address": "bob@example.org", "error": "%s"}]' % (b"x" * 5000), JSON),
        ("POST", "bounces", b'[{"address": "bob@example.org", "created_at": "now"}]', JSON),
        ("POST", "bounces", json.dumps([{"address": "bob@example.org"}] * 1001).encode(), JSON),
        ("POST", "unsubscribes", b'[{"address": "bob@example.org", "tags": ["news"]}]', JSON),
        ("POST", "bounces", b"address=nobody", FORM),
        ("POST", "bounces", b"address=bob@example.org", {}),
    ],
)
async def test_what_makes_no_sense_is_refused_in_mailgun_s_form(place, method, target, body, headers):
    answer = await place.call(method, f"{MAILGUN}/{target}", body, headers)
    assert (answer.status, [*answer.json]) == (400, ["message"])
    assert (await place.call("POST", "/v1/suppressions/search", {})).json["data"] == []


async def test_postmark_s_dump_has_all_of_them_with_reason_and_origin(filled):
    found = (await listed(filled, f"{POSTMARK}/dump"))["Suppressions"]
    shown = {each["EmailAddress"].partition("@")[0]: (each["SuppressionReason"], each["Origin"]) for each in found}
    assert shown == {
        "bounce": ("HardBounce", "Recipient"),
        "complaint": ("SpamComplaint", "Recipient"),
        "unsubscribe": ("ManualSuppression", "Recipient"),
        "person": ("ManualSuppression", "Customer"),
        "import": ("ManualSuppression", "Customer"),
        "account": ("ManualSuppression", "Admin"),
    }


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("SuppressionReason=HardBounce", {"bounce"}),
        ("suppressionReason=ManualSuppression&origin=Customer", {"person", "import"}),
        ("EmailAddress=Bounce@example.org", {"bounce"}),
        ("EmailAddress=bounce@example", set()),
        ("fromdate=2001-01-01&todate=2002-01-01", set()),
    ],
)
async def test_postmark_s_dump_is_narrowed(filled, query, found):
    rows = (await listed(filled, f"{POSTMARK}/dump?{query}"))["Suppressions"]
    assert {each["EmailAddress"].partition("@")[0] for each in rows} == found


async def test_a_list_that_is_too_long_is_not_dumped_in_part(filled, monkeypatch):
    monkeypatch.setattr("everpost.dialects.dropins.postmark_lists.DUMP_MAX", 3)
    answer = await filled.call("GET", f"{POSTMARK}/dump")
    assert (answer.status, answer.json["ErrorCode"]) == (422, 300)


async def test_postmark_s_client_puts_addresses_on_the_list_and_takes_them_off(place):
    body = {"Suppressions": [{"EmailAddress": "bob@example.org"}, {"EmailAddress": "zoe@example.org"}]}
    added = await place.call("POST", POSTMARK, body)
    assert [each["Status"] for each in added.json["Suppressions"]] == ["Suppressed"] * 2
    assert (await listed(place, "/v1/suppressions/zoe@example.org"))["source"] == "person"
    gone = await place.call("POST", f"{POSTMARK}/delete", body)
    assert [each["Status"] for each in gone.json["Suppressions"]] == ["Deleted"] * 2
    assert (await listed(place, f"{POSTMARK}/dump")) == {"Suppressions": []}


@pytest.mark.parametrize(
    ("method", "target", "body", "code"),
    [
        ("GET", f"{POSTMARK}/dump?Origin=Nobody", b"", 300),
        ("GET", f"{POSTMARK}/dump?SuppressionReason=None", b"", 300),
        ("GET", "/message-streams/broadcast/suppressions/dump", b"", 1226),
        (
            "POST",
            "/message-streams/broadcast/suppressions",
            {"Suppressions": [{"EmailAddress": "a@example.org"}]},
            1226,
        ),
        ("POST", POSTMARK, b"x", 402),
        ("POST", POSTMARK, {}, 300),
        ("POST", POSTMARK, {"Suppressions": []}, 300),
        ("POST", POSTMARK, {"Suppressions": [{"EmailAddress": "nobody"}]}, 300),
        ("POST", POSTMARK, {"Suppressions": [{"EmailAddress": "a@example.org"}] * 51}, 300),
        ("POST", f"{POSTMARK}/delete", {"Suppressions": [{"EmailAddress": "a@example.org\r\n"}]}, 300),
    ],
)
async def test_what_makes_no_sense_is_refused_in_postmark_s_form(place, method, target, body, code):
    answer = await place.call(method, target, body)
    assert (answer.status, answer.json["ErrorCode"], [*answer.json]) == (422, code, ["ErrorCode", "Message"])


async def test_a_key_sees_its_project_s_list_and_changes_it_only_as_an_administrator(filled):
    call = Caller(build_app(replace(filled.services, keyring=filled.engine.keyring)))
    body = {"Suppressions": [{"EmailAddress": "bob@example.org"}]}

    async def told(project, scope):
        _, token = await filled.engine.keyring.create(project, scope, "")
        bearer, own = {"authorization": f"Bearer {token}"}, {"x-postmark-server-token": token}
        lists = (
            await call("GET", f"{MAILGUN}/bounces", b"", bearer),
            await call("GET", f"{POSTMARK}/dump", b"", own),
        )
        changes = (
            await call("DELETE", f"{MAILGUN}/bounces/bounce@example.org", b"", bearer),
            await call("POST", POSTMARK, body, own),
        )
        counts = [len(answer.json.get("items", answer.json.get("Suppressions", ()))) for answer in lists]
        return counts, [answer.status for answer in changes]

    assert await told("default", Scope.SEND) == ([2, 6], [403, 401])
    assert await told("other", Scope.ADMIN) == ([0, 0], [404, 200])
    assert await told("default", Scope.ADMIN) == ([2, 6], [200, 200])


# --- SendGrid's ------------------------------------------------------------------------------------------------------

SENDGRID = "/v3/suppression"
GLOBAL = "/v3/asm/suppressions/global"


@pytest.mark.parametrize(
    ("name", "sources"),
    [
        ("bounces", ["account", "bounce"]),
        ("spam_reports", ["complaint"]),
        ("unsubscribes", ["import", "person", "unsubscribe"]),
        ("blocks", []),
        ("invalid_emails", []),
    ],
)
async def test_each_entry_stands_on_the_list_of_sendgrid_that_its_source_says(filled, name, sources):
    page = await listed(filled, f"{SENDGRID}/{name}")
    assert [each["email"] for each in page] == [f"{source}@example.org" for source in sources]
    assert all(isinstance(each["created"], int) for each in page)
    for source in Source:
        found = await listed(
            filled, f"{GLOBAL if name == 'unsubscribes' else f'{SENDGRID}/{name}'}/{source}@example.org"
        )
        address = f"{source}@example.org" if source in sources else None
        if name == "unsubscribes":
            assert found == ({} if address is None else {"recipient_email": address})
        else:
            assert [each["email"] for each in found] == ([] if address is None else [address])


async def test_sendgrid_s_pages_go_by_an_offset_and_times(filled):
    first, second, third = [
        await listed(filled, f"{SENDGRID}/unsubscribes?limit=2&offset={offset}") for offset in (0, 2, 4)
    ]
    assert ([len(first), len(second), third]) == [2, 1, []]
    at = second[0]["created"]
    for query, count in ((f"start_time={at}&end_time={at}", 3), (f"start_time={at + 1}", 0), (f"end_time={at - 1}", 0)):
        assert len(await listed(filled, f"{SENDGRID}/unsubscribes?{query}")) == count


async def test_an_entry_is_taken_off_by_the_way_of_its_own_list_of_sendgrid_alone(filled):
    for target in (f"{SENDGRID}/bounces/complaint@example.org", f"{GLOBAL}/bounce@example.org"):
        assert (await filled.call("DELETE", target)).status == 404
    emails = ["complaint@example.org", "Bounce@example.org", "nobody@example.org"]
    gone = await filled.call("DELETE", f"{SENDGRID}/bounces", {"emails": emails})
    assert (gone.status, gone.body) == (204, b"")
    assert [each["email"] for each in await listed(filled, f"{SENDGRID}/bounces")] == ["account@example.org"]
    assert (await filled.call("DELETE", f"{SENDGRID}/spam_reports/complaint@example.org")).status == 204
    assert (await filled.call("DELETE", f"{SENDGRID}/spam_reports/complaint@example.org")).status == 404
    assert (await filled.call("DELETE", f"{GLOBAL}/person@example.org")).status == 204


async def test_an_address_may_have_a_slash_and_another_one_may_begin_with_it(place):
    emails = ["a/b@example.org", "a/b@example.org.uk"]
    added = await place.call("POST", GLOBAL, {"recipient_emails": emails})
    assert (added.status, added.json) == (201, {"recipient_emails": emails})
    assert await listed(place, f"{GLOBAL}/a/b@example.org") == {"recipient_email": "a/b@example.org"}
    assert await listed(place, f"{GLOBAL}/b@example.org") == {}
    assert (await listed(place, "/v1/suppressions/a/b@example.org"))["source"] == "unsubscribe"


@pytest.mark.parametrize(
    ("method", "target", "body"),
    [
        ("GET", f"{SENDGRID}/bounces?limit=0", b""),
        ("GET", f"{SENDGRID}/bounces?limit=501", b""),
        ("GET", f"{SENDGRID}/bounces?offset=-1", b""),
        ("GET", f"{SENDGRID}/bounces?offset=9501", b""),
        ("GET", f"{SENDGRID}/bounces?start_time=soon", b""),
        ("GET", f"{SENDGRID}/bounces?end_time=99999999999999999999", b""),
        ("GET", f"{SENDGRID}/bounces/nobody", b""),
        ("DELETE", f"{SENDGRID}/bounces/nobody", b""),
        ("DELETE", f"{SENDGRID}/bounces", {"delete_all": True}),
        ("DELETE", f"{SENDGRID}/bounces", {"emails": []}),
        ("DELETE", f"{SENDGRID}/bounces", {"emails": ["nobody"]}),
        ("DELETE", f"{SENDGRID}/bounces", {"emails": ["a@example.org"] * 1001}),
        ("POST", GLOBAL, {"recipient_emails": []}),
        ("POST", GLOBAL, {"recipient_emails": ["a@example.org\r\nBcc: b@example.org"]}),
    ],
)
async def test_what_makes_no_sense_is_refused_in_sendgrid_s_form(place, method, target, body):
    answer = await place.call(method, target, body)
    assert answer.status in (400, 422), answer.body
    assert answer.json["errors"][0]["message"]
