"""Who must not be written to, from the command line; and what the providers' own lists say of it."""

import asyncio
import json
from urllib.parse import parse_qs, urlsplit

import pytest

from everpost.model.suppression import Source, Suppression
from everpost.wiring.parts import open_store

ROW = {
    "address": "bob@example.org",
    "stream": "news",
    "source": "unsubscribe",
    "reason": "they asked",
    "created_at": "2030-01-31T09:00:00Z",
    "expires_at": None,
}
EVE = ROW | {"address": "eve@example.net", "stream": None}
SEARCH = "/v1/suppressions/search"


def pages(server):
    first = {"data": [ROW], "next_cursor": "c"}
    server.put("POST", SEARCH, 200, first, {"data": [EVE], "next_cursor": None})


def test_they_are_listed_page_by_page(everpost, server):
    pages(server)
    lines = everpost("suppressions", "list", "b").out.splitlines()
    assert [line.split()[:3] for line in lines[1:]] == [["bob@example.org", "news", "unsubscribe"], EVE_CELLS]
    assert [asked.json.get("cursor") for asked in server.asked] == [None, "c"]
    assert {asked.json["address"] for asked in server.asked} == {"b"}


EVE_CELLS = ["eve@example.net", "-", "unsubscribe"]


def test_an_export_can_be_imported(everpost, server, tmp_path):
    pages(server)
    text = everpost("suppressions", "export").out
    assert text.split("\r\n")[1] == "bob@example.org,they asked,2030-01-31T09:00:00Z,news,unsubscribe,"
    (tmp_path / "list.csv").write_text(text)
    told = {"dry_run": True, "suppressed": 2, "faulty": 1, "errors": [{"line": 9, "message": "needs an @"}]}
    server.put("POST", "/v1/suppressions/import", 200, told)
    ended = everpost("suppressions", "import", tmp_path / "list.csv")
    assert ended.out.splitlines() == [
        "line 9: needs an @",
        "2 would be suppressed; to do it: the same with --yes; lines left out: 1",
    ]
    assert server.asked[-1].json["dry_run"] is True
    everpost("suppressions", "import", tmp_path / "list.csv", "--yes")
    assert server.asked[-1].json["dry_run"] is False


def test_an_address_is_added_and_removed_for_a_stream(everpost, server):
    server.put("POST", "/v1/suppressions", 200, ROW)
    words = ("suppressions", "add", "bob@example.org", "--stream", "news", "--reason", "they asked")
    assert everpost(*words).out == "bob@example.org gets no more mail of news\n"
    assert server.asked[-1].json == {"address": "bob@example.org", "stream": "news", "reason": "they asked"}
    server.put("POST", "/v1/suppressions/remove", 204, b"")
    assert everpost("suppressions", "remove", "bob@example.org").out == "bob@example.org may get mail again\n"
    assert server.asked[-1].json == {"address": "bob@example.org"}


# --- the providers' own lists -----------------------------------------------------------------------------------------

SETTINGS = {
    "mailgun": 'domain = "m.example"\napi_key = "k"',
    "ses": 'region = "eu-west-1"\naccess_key_id = "AK"\nsecret_access_key = "s"',
    "mailjet": 'api_key = "k"\nsecret_key = "s"',
    "scaleway": 'api_key = "k"\nproject_id = "6170692e-7363-616c-6577-61792e636f6d"',
}
USUAL = 'api_key = "k"'
BOB, CAROL, DAN, FRED = (f"{name}@example.org" for name in ("bob", "carol", "dan", "fred"))
FOUND = {BOB: "bounce", CAROL: "complaint", DAN: "unsubscribe"}


def mailgun(server):
    place = "/v3/m.example/"
    for name, address in (("bounces", "Bob@example.org"), ("complaints", CAROL), ("unsubscribes", DAN)):
        following = {"next": f"https://api.mailgun.net{place}{name}?page=next&address={address}&limit=1000"}
        first = {"items": [{"address": address, "error": "550 no bob@example.org"}], "paging": following}
        server.put("GET", place + name, 200, first, {"items": [], "paging": following})
        server.put("POST", place + name, 200, {"message": "ok"})


def sendgrid(server):
    for name in ("bounces", "invalid_emails", "spam_reports", "unsubscribes"):
        server.put("GET", f"/v3/suppression/{name}", 200, [])
    server.put("GET", "/v3/suppression/bounces", 200, [{"email": BOB, "reason": "550"}])
    server.put("GET", "/v3/suppression/spam_reports", 200, [{"email": CAROL}, {"email": "broken"}])
    server.put("GET", "/v3/suppression/unsubscribes", 200, [{"email": DAN}])
    server.put("POST", "/v3/asm/suppressions/global", 201, {"recipient_emails": []})


def ses(server):
    def page(address, reason, **more):
        return {"SuppressedDestinationSummaries": [{"EmailAddress": address, "Reason": reason}]} | more

    answers = page(BOB, "BOUNCE", NextToken="a/b="), page(CAROL, "COMPLAINT")
    server.put("GET", "/v2/email/suppression/addresses", 200, *answers)
    server.put("PUT", "/v2/email/suppression/addresses", 200, {})


def postmark(server):
    told = [(BOB, "HardBounce"), (CAROL, "SpamComplaint"), (DAN, "ManualSuppression")]
    rows = [{"EmailAddress": one, "SuppressionReason": why, "Origin": "Recipient"} for one, why in told]
    server.put("GET", "/message-streams/outbound/suppressions/dump", 200, {"Suppressions": rows})
    server.put("POST", "/message-streams/outbound/suppressions", 200, {"Suppressions": [{"Status": "Failed"}]})


def sparkpost(server):
    told = [(BOB, "Bounce Rule"), (CAROL, "Spam Complaint"), (DAN, "List Unsubscribe")]
    rows = [{"recipient": one, "source": why, "description": "x"} for one, why in told]
    first = {"results": rows[:2], "links": [{"rel": "next", "href": "/api/v1/suppression-list?cursor=zz&per_page=2"}]}
    server.put("GET", "/api/v1/suppression-list", 200, first, {"results": rows[2:], "links": []})
    server.put("PUT", "/api/v1/suppression-list", 200, {"results": {"message": "updated"}})


def brevo(server):
    told = [(BOB, "hardBounce"), (CAROL, "contactFlaggedAsSpam"), (DAN, "unsubscribedViaEmail")]
    rows = [{"email": one, "reason": {"code": why, "message": "x"}} for one, why in told]
    server.put("GET", "/smtp/blockedContacts", 200, {"count": 3, "contacts": rows})


def mandrill(server):
    told = [(BOB, "hard-bounce"), (CAROL, "spam"), (DAN, "unsub"), (FRED, "soft-bounce")]
    server.put("POST", "/api/1.4/rejects/list", 200, [{"email": one, "reason": why} for one, why in told])
    server.put("POST", "/api/1.4/rejects/add", 200, {"added": True})


def mailersend(server):
    place = "/v1/suppressions/"
    for name, address in (("hard-bounces", BOB), ("spam-complaints", CAROL), ("unsubscribes", DAN)):
        first = {"data": [{"recipient": {"email": address}, "reason": "x"}], "links": {"next": "http://x/?page=2"}}
        server.put("GET", place + name, 200, first, {"data": [], "links": {"next": None}})
    blocked = [{"type": "pattern", "pattern": ".*@example.net"}, {"type": "exact", "pattern": FRED}]
    pages = {"data": blocked[:1], "links": {"next": "http://x/?page=2"}}, {"data": blocked[1:], "links": {"next": None}}
    server.put("GET", place + "blocklist", 200, *pages)
    server.put("POST", place + "blocklist", 201, {"data": []})


def mailtrap(server):
    told = [(BOB, "hard bounce"), (CAROL, "spam complaint"), (DAN, "unsubscription")]
    rows = [{"id": f"id-{one}", "email": one, "type": why} for one, why in told]
    server.put("GET", "/api/suppressions", 200, rows[:2], rows[2:], [])


def resend(server):
    rows = [{"id": f"id-{why}", "email": one, "origin": why} for one, why in ((BOB, "bounce"), (CAROL, "complaint"))]
    pages = {"has_more": True, "data": rows[:1]}, {"has_more": False, "data": rows[1:]}
    server.put("GET", "/suppressions", 200, *pages)
    server.put("POST", "/suppressions/batch/add", 201, {"data": []})


def scaleway(server):
    above = "/transactional-email/v1alpha1/regions/fr-par"
    listed = [{"email": FRED, "type": "mailbox_full"}, {"email": BOB, "type": "mailbox_not_found", "reason": "x"}]
    server.put("GET", f"{above}/domains", 200, {"domains": [{"id": "d-1"}, {"id": "d-2"}]})
    server.put("GET", f"{above}/blocklists", 200, {"blocklists": listed[:1]}, {"blocklists": listed[1:]})
    server.put("POST", f"{above}/blocklists", 200, {"blocklists": []})


BOTH_WAYS = (mailersend, mailgun, mandrill, postmark, resend, scaleway, sendgrid, ses, sparkpost)
PROVIDERS = {each.__name__: each for each in (*BOTH_WAYS, brevo, mailtrap)}
TAKEN = {"scaleway": {BOB}, "ses": {BOB, CAROL}}  # whom it takes; others: all three
UNKNOWN = {"ses": {DAN}, "resend": {DAN}, "scaleway": {CAROL, DAN}}  # whom its list can't hold
FURTHER = {"mailersend": {FRED: "account"}}  # whom its list alone holds


@pytest.fixture
def there(everpost, server, tmp_path):
    """Pulls from a provider's lists, or pushes to them; and what the store then holds."""

    def there(name, verb, *words):
        config = tmp_path / "everpost.toml"
        config.write_text(
            f'data = "{tmp_path / "data"}"\n[accounts.a]\nprovider = "{name}"\nbase_url = "{server.url}"\n'
            f'{SETTINGS.get(name, USUAL)}\n[routes.default]\naccounts = ["a"]\n'
        )
        (tmp_path / "data").mkdir(exist_ok=True)
        return everpost("suppressions", verb, "--account", "a", "--config", config, "--json", *words)

    return there


def with_store(tmp_path, work):
    async def run():
        store = open_store(tmp_path / "data")
        try:
            return await work(store)
        finally:
            await store.close()

    (tmp_path / "data").mkdir(exist_ok=True)
    return asyncio.run(run())


def stored(tmp_path):
    return with_store(tmp_path, lambda store: store.list_suppressions("default", "", ("", ""), 99))


@pytest.mark.parametrize("name", PROVIDERS)
def test_what_a_provider_lists_is_added_once_and_only_when_it_is_asked_for(there, server, tmp_path, name):
    PROVIDERS[name](server)
    found = {one: source for one, source in FOUND.items() if one not in UNKNOWN.get(name, ())}
    found |= FURTHER.get(name, {})
    looked = there(name, "pull").json
    assert (looked["dry_run"], looked["done"]) == (True, len(found))
    assert stored(tmp_path) == []
    PROVIDERS[name](server)
    assert there(name, "pull", "--yes", "--stream", "news").json["done"] == len(found)
    rows = stored(tmp_path)
    assert {row.address: row.source for row in rows} == found
    assert {row.stream for row in rows if row.source != "unsubscribe"} == {""}
    assert {row.stream for row in rows if row.source == "unsubscribe"} <= {"news"}
    assert all(row.reason.startswith("a lists it") and "@" not in row.reason for row in rows)
    PROVIDERS[name](server)
    assert there(name, "pull", "--yes", "--stream", "news").json["done"] == 0


def barred(address, source, **fields):
    return Suppression(project="default", address=address, source=source, reason="r", created_at=1.0, **fields)


ROWS = [
    barred(BOB, Source.BOUNCE),
    barred(CAROL, Source.COMPLAINT),
    barred(DAN, Source.UNSUBSCRIBE),
    barred(DAN, Source.UNSUBSCRIBE, stream="news"),
    barred(FRED, Source.PERSON),
    barred("old@example.org", Source.BOUNCE, expires_at=2.0),
]


@pytest.mark.parametrize("name", [each.__name__ for each in BOTH_WAYS])
def test_what_stops_all_mail_is_brought_to_a_provider_and_a_dry_run_asks_it_nothing(there, server, tmp_path, name):
    PROVIDERS[name](server)
    with_store(tmp_path, lambda store: store.suppress(ROWS, []))
    given = TAKEN.get(name, {BOB, CAROL, DAN})
    taken = len(given)
    assert there(name, "push").json == {"dry_run": True, "seen": 6, "done": taken, "refused": 0}
    assert server.asked == []
    done = there(name, "push", "--yes").json
    assert (done["done"] + done["refused"], done["refused"]) == (taken, 1 if name == "postmark" else 0)
    said = b" ".join(asked.body for asked in server.asked).decode()
    assert {one for one in (BOB, CAROL, DAN, FRED, "old@") if one in said} == given
    assert there(name, "push", "--yes").json == done


@pytest.mark.parametrize(("name", "title"), [("brevo", "Brevo"), ("mailtrap", "Mailtrap")])
def test_a_provider_that_takes_none_is_named(there, name, title):
    ended = there(name, "push", "--yes")
    assert (ended.code, f"{title} takes no entries of its list" in ended.out) == (1, True)


@pytest.mark.parametrize("verb", ["pull", "push"])
def test_a_provider_that_has_no_list_is_named(there, verb):
    ended = there("mailjet", verb, "--yes")
    assert (ended.code, "Mailjet has no list that could be asked for" in ended.out) == (1, True)


def test_the_lists_of_all_domains_are_read_page_by_page(there, server):
    """A domain is known by its id alone, and so are its pages."""
    scaleway(server)
    there("scaleway", "pull")
    asked = [parse_qs(urlsplit(asked.path).query) for asked in server.asked]
    assert [each.get("domain_id") for each in asked] == [None, ["d-1"], ["d-2"]]
    assert "project_id" in asked[0]


def test_what_is_brought_there_stands_on_the_lists_of_all_domains_or_it_is_told_that_there_are_none(
    there, server, tmp_path
):
    scaleway(server)
    with_store(tmp_path, lambda store: store.suppress(ROWS, []))
    there("scaleway", "push", "--yes")
    told = [
        (one.json["domain_id"], one.json["emails"], one.json["type"]) for one in server.asked if one.method == "POST"
    ]
    assert told == [("d-1", [BOB], "mailbox_not_found"), ("d-2", [BOB], "mailbox_not_found")]
    server.put("GET", "/transactional-email/v1alpha1/regions/fr-par/domains", 200, {"domains": []})
    ended = there("scaleway", "push", "--yes")
    assert (ended.code, "names no domain" in ended.out) == (1, True)


@pytest.mark.parametrize(
    ("status", "body"), [(401, {"message": "no"}), (500, {}), (200, b"<html>"), (200, {"items": 1})]
)
def test_an_answer_that_makes_no_sense_ends_it_and_what_was_read_before_stays(there, server, tmp_path, status, body):
    mailgun(server)
    server.put("GET", "/v3/m.example/complaints", status, body)
    ended = there("mailgun", "pull", "--yes")
    assert (ended.code, [row.address for row in stored(tmp_path)]) == (1, [BOB])


def test_the_secret_of_links_is_rotated_on_the_store(there, everpost, tmp_path):
    there("brevo", "push")
    for _ in range(4):
        assert everpost("suppressions", "rotate", "--config", tmp_path / "everpost.toml").code == 0
    kept = with_store(tmp_path, lambda store: store.read_config("unsubscribe/"))
    assert len(json.loads(kept["unsubscribe/secrets"].value)) == 3
