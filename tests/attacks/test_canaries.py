"""Unique words in every secret and every personal field, and a search for them wherever they must not be.

The providers repeat whatever they are told, the log is at its most talkative, and every operation is called, with
faults of every kind among them.
"""

import json
import stat
import subprocess
from contextlib import ExitStack

import apsw
import pytest

from attacks.hostile import HOST, as_page, backwards, in_words, mail_parrot, parrot
from attacks.house import encoded, served, until
from everpost.model.delivery import FINAL, DeliveryState
from everpost.model.message import Address
from everpost.model.suppression import Suppression
from everpost.store.sqlite import SqliteStore
from otlp_kit import collector
from server_kit import EVERPOST, environ
from store_values import LATE, accept, bounds, delivery, key, message, system_event

SECRETS = {
    "MAILGUN_KEY": "canary-mailgun-key-3f1c",
    "MAILGUN_LOOKUP": "canary-mailgun-lookup-77a0",
    "SENDGRID_KEY": "SG.canary-sendgrid-key-b2e9",
    "SMTP_PASSWORD": "canary-smtp-password-e41d",
}
PERSONAL = {
    "sender": "canarysender@example.com",
    "sender name": "Canary Sendername",
    "recipient": "canaryrecipient@example.org",
    "recipient name": "Canary Recipientname",
    "cc": "canarycopy@example.org",
    "bcc": "canaryblind@example.org",
    "reply_to": "canaryreply@example.org",
    "subject": "canarysubject about your test result",
    "text": "canarytext is what the letter says in plain words",
    "html": "canaryhtml is what the letter says in markup",
    "header": "canaryheadervalue",
    "metadata": "canarymetadatavalue",
    "file name": "canaryfilename.pdf",
    "file": "canaryfilecontent, which nobody else may read",
    "suppressed": "canarysuppressed@example.org",
}
MARKS = ("canarys", "canaryr", "canaryc", "canaryb", "canaryt", "canaryh", "canarym", "canaryf", "Canary ")
MAIL = {
    "from": f"{PERSONAL['sender name']} <{PERSONAL['sender']}>",
    "to": [{"email": PERSONAL["recipient"], "name": PERSONAL["recipient name"]}],
    "cc": PERSONAL["cc"],
    "bcc": PERSONAL["bcc"],
    "reply_to": PERSONAL["reply_to"],
    "subject": PERSONAL["subject"],
    "text": PERSONAL["text"],
    "html": f"<p>{PERSONAL['html']}</p>",
    "headers": {"X-Case": PERSONAL["header"]},
    "metadata": {"patient": PERSONAL["metadata"]},
    "attachments": [{"filename": PERSONAL["file name"], "content": encoded(PERSONAL["file"].encode())}],
    "on_unknown": "hold",
    "resolve_within_s": 1,
}
CONFIG = """
[accounts.{name}]
provider = "{provider}"
{settings}
lookup_lag_s = 0.1
timeouts = {{{{ connect_s = 1, write_s = 1, answer_s = 1 }}}}
"""
SCRIPT = (
    (200, in_words, {}),
    (202, in_words, {"X-Message-Id": "the-id"}),
    (400, in_words, {}),
    (400, backwards, {}),
    (500, in_words, {}),
    (503, as_page, {}),
    (429, in_words, {"Retry-After": "0"}),
    (403, in_words, {}),
    (401, in_words, {}),
)
"""One after the other, again and again."""


def http_accounts(port):
    base = f'base_url = "http://{HOST}:{port}"'
    mailgun = f'domain = "mg.example.com"\napi_key = "{SECRETS["MAILGUN_KEY"]}"\n{base}\n'
    mailgun += f'lookup_api_key = "{SECRETS["MAILGUN_LOOKUP"]}"'
    sendgrid = f'api_key = "{SECRETS["SENDGRID_KEY"]}"\n{base}'
    return CONFIG.format(name="mailgun", provider="mailgun", settings=mailgun) + CONFIG.format(
        name="sendgrid", provider="sendgrid", settings=sendgrid
    )


def smtp_account(port):
    login = f'username = "everpost"\npassword = "{SECRETS["SMTP_PASSWORD"]}"'
    settings = f'host = "{HOST}"\nport = {port}\nsecurity = "none"\n{login}'
    return CONFIG.format(name=f"smtp{port}", provider="smtp", settings=settings)


def command(house, *words):
    key = {"EVERPOST_URL": f"http://{HOST}:{house.port}", "EVERPOST_KEY": house.token()}
    ended = subprocess.run((*EVERPOST, *words), capture_output=True, env=environ() | key, check=False)
    return ended.stdout + ended.stderr


def everything_asked(house):
    """Calls every operation, faulty requests among them; returns what may hold no personal data: all but the mails."""
    told = []
    for method, path in (("GET", "/metrics"), ("GET", "/v1/accounts"), ("GET", "/v1/routes"), ("GET", "/v1/events")):
        told.append(house.ask(method, path).body)
    for faulty in (
        MAIL | {"subject": PERSONAL["subject"] + "\r\nX: y"},
        MAIL | {"text": {"a": PERSONAL["text"]}},
        MAIL | {"metadata": {"patient": [PERSONAL["metadata"]]}},
        MAIL | {"html": PERSONAL["html"] + "\0"},
        MAIL | {"attachments": [{"filename": PERSONAL["file name"], "content": "!" + PERSONAL["file"]}]},
        MAIL | {"attachments": [{"filename": PERSONAL["file name"] + "\n", "content": ""}]},
        MAIL | {"headers": {"X-Case": PERSONAL["header"] + "\n"}},
        MAIL | {"to": [{"email": "x@example.org", "name": PERSONAL["recipient name"] + "\n"}]} | {"to": []},
        MAIL | {"route": "nowhere"},
        MAIL | {"provider_options": {"mailgun": {"from": PERSONAL["sender"]}}},
    ):
        answer = house.ask("POST", "/v1/emails", faulty)
        assert answer.status in (400, 422)
        told.append(answer.body)
    broken = json.dumps(MAIL).encode()[:-5]
    told += [house.ask("POST", path, broken).body for path in ("/v1/emails", "/sendEmail")]
    house.ask("PUT", f"/v1/suppressions/{PERSONAL['suppressed']}", {"reason": "asked for it"})
    house.ask("GET", f"/v1/suppressions/{PERSONAL['suppressed']}")
    house.ask("GET", f"/v1/emails?recipient={PERSONAL['recipient']}")
    house.ask("GET", f"/v1/emails?recipient={PERSONAL['recipient']}&x={PERSONAL['subject'].replace(' ', '+')}")
    house.ask("GET", f"/nowhere/{PERSONAL['recipient']}")
    told += [command(house, "accounts"), command(house, "events"), command(house, "accounts", "--json")]
    told += [command(house, "check", "--config", house.folder / "everpost.toml")]
    told += [command(house, "check", "--json", "--config", house.folder / "everpost.toml")]
    return b"\n".join(told)


def files_of(house):
    """What it has written, but for the configuration and the store."""
    names = ("server.log", "events.jsonl", "data/health.db", "data/health.db-wal")
    return b"\n".join((house.folder / name).read_bytes() for name in names if (house.folder / name).exists())


def traces(content, marks):
    lines = content.decode("latin-1").splitlines()
    return [line[:300] for line in lines if any(mark.lower() in line.lower() for mark in marks)]


def secret_forms(house):
    for secret in (*SECRETS.values(), house.token().rpartition("_")[2][:32]):
        yield secret
        yield encoded(secret.encode()).rstrip("=")[:-1]
        yield encoded(f"api:{secret}".encode()).rstrip("=")[:-1]
        yield encoded(f"\0everpost\0{secret}".encode()).rstrip("=")[:-1]


def send_all(house, count):
    """By every way in, until each mail is at an end or waits for its next attempt."""
    ids = [house.ask("POST", "/v1/emails", MAIL, [("Idempotency-Key", f"k{n}")]).json["id"] for n in range(count)]
    original = {name: MAIL[name] for name in ("from", "cc", "bcc", "subject", "text", "html")}
    house.ask("POST", "/v1/emails", MAIL, [("Prefer", "wait=3")])
    house.ask("POST", "/v1/emails", original | {"to": PERSONAL["recipient"]})

    def has_come_to_something(message_id):
        mail = house.mail(message_id)
        state = mail["state"]
        return state in FINAL or any(attempt["outcome"] != "running" for attempt in mail["attempts"])

    until(lambda: all(map(has_come_to_something, ids)), 30)
    return ids


def check_nothing_leaks(house, count):
    send_all(house, count)
    told = everything_asked(house) + files_of(house)
    assert traces(told, MARKS) == []
    everywhere = told + b"".join(path.read_bytes() for path in house.data.iterdir())
    mails = house.ask("GET", "/v1/emails").body
    assert traces(everywhere + mails, secret_forms(house)) == []


def test_what_a_provider_repeats_is_found_nowhere(tmp_path):
    with (
        parrot(*SCRIPT) as provider,
        served(tmp_path, http_accounts(provider.server_port), level="debug", ports={}) as house,
    ):
        check_nothing_leaks(house, len(SCRIPT))
        assert len(provider.asked) >= len(SCRIPT)


def test_what_a_provider_repeats_is_in_no_trace(tmp_path, monkeypatch):
    with collector() as told, parrot(*SCRIPT) as provider, ExitStack() as parts:
        for name, value in told.environ.items():
            monkeypatch.setenv(name, value)
        server = parts.enter_context(mail_parrot("RCPT"))
        accounts = http_accounts(provider.server_port) + smtp_account(server.server_address[1])
        house = parts.enter_context(served(tmp_path, accounts, ports={}))
        send_all(house, len(SCRIPT))
        everything_asked(house)
        told.wait_for(lambda spans: {"email hand over", "email resolve", "GET", "POST", "SMTP"} <= names_of(spans))
        assert house.process.terminate() is None
        house.process.wait(30)
        assert traces(b"\n".join(told.bodies), (*MARKS, *secret_forms(house))) == []


def names_of(spans):
    return {span.name for span in spans}


def test_what_a_mail_server_repeats_is_found_nowhere(tmp_path):
    with ExitStack() as parts:
        servers = [parts.enter_context(mail_parrot(refuses)) for refuses in ("AUTH", "MAIL", "RCPT", "")]
        accounts = "".join(smtp_account(server.server_address[1]) for server in servers)
        house = parts.enter_context(served(tmp_path, accounts, level="debug", ports={}))
        check_nothing_leaks(house, 2)
        assert all(server.heard for server in servers)


def test_its_files_are_for_their_owner_alone_though_the_folder_is_open_to_all(tmp_path):
    (tmp_path / "data").mkdir(mode=0o755)
    with served(tmp_path, level="info") as house:
        house.ask("POST", "/v1/emails", MAIL, [("Prefer", "wait=5")])
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in house.data.iterdir()}
    assert {"everpost.db", "everpost.db-wal", "everpost.db-shm"} <= set(modes)
    assert {name: oct(mode) for name, mode in modes.items() if mode & 0o077} == {}


@pytest.mark.parametrize("size", [10, 3000, 40_000])
async def test_what_was_purged_can_not_be_found_in_the_files(tmp_path, size):
    """Deleted rows are overwritten in their pages and in those that they overflow to, and the log is emptied."""
    store = SqliteStore.open(str(tmp_path / "everpost.db"))
    for number in range(300):
        fields = {"text": PERSONAL["text"] * (size // 10), "subject": PERSONAL["subject"]}
        one = message(number, to=(Address(f"canaryrecipient{number}@example.org"),), tags=("canarytag",), **fields)
        done = delivery(one, state=DeliveryState.SENT, due_at=None)
        await accept(store, one, key(f"canarykey{number}"), deliveries=[done])
        await store.answer("shop:send", f"canarykey{number}", PERSONAL["text"].encode())
    assert b"canary" in contents(tmp_path)
    while await store.purge(bounds(LATE, LATE), 50):
        pass
    assert contents(tmp_path).count(b"canary") == 0
    await store.close()
    assert contents(tmp_path).count(b"canary") == 0


@pytest.mark.parametrize("way", ["erased", "addresses and bodies"])
@pytest.mark.parametrize("size", [10, 3000, 40_000])
async def test_what_was_taken_out_of_a_mail_can_not_be_found_in_the_files(tmp_path, size, way):
    store = SqliteStore.open(str(tmp_path / "everpost.db"))
    told = {"text": PERSONAL["text"] * (size // 10), "subject": PERSONAL["subject"], "metadata": {"a": "canary"}}
    to = (Address(PERSONAL["recipient"], PERSONAL["recipient name"]), Address("ann@example.org"))
    for number in range(120):
        one = message(number, to=to, **told)
        done = delivery(one, state=DeliveryState.SENT, due_at=None)
        await accept(store, one, key(f"key{number}"), deliveries=[done])
        await store.answer("shop:send", f"key{number}", PERSONAL["recipient"].encode())
    row = Suppression(project="shop", address=PERSONAL["recipient"], reason="complained", created_at=1.0)
    await store.suppress([row] if way == "erased" else [], [])
    assert b"canary" in contents(tmp_path)
    if way == "erased":
        for step in range(3):
            event = system_event(f"step {step}")
            await store.erase("shop", PERSONAL["recipient"].upper(), "x@erased.invalid", event, 50)
    else:
        while await store.purge(bounds(0.0, 0.0, addresses=LATE, bodies=LATE), 50):
            pass
    assert contents(tmp_path).lower().count(b"canary") == 0
    assert (await store.counts()).accepted == 120
    assert bool(await store.suppressed("shop", [PERSONAL["recipient"]])) is (way == "erased")
    await store.close()
    assert contents(tmp_path).lower().count(b"canary") == 0


async def test_what_somebody_still_reads_is_overwritten_by_a_later_purge(tmp_path):
    store = SqliteStore.open(str(tmp_path / "everpost.db"))
    one = message(1, subject=PERSONAL["subject"])
    await accept(store, one, deliveries=[delivery(one, state=DeliveryState.SENT, due_at=None)])
    reader = apsw.Connection(str(tmp_path / "everpost.db"))
    reader.execute("BEGIN")
    assert reader.execute("SELECT count(*) FROM message").get == 1
    assert await store.purge(bounds(LATE, LATE), 50) == 1
    assert b"canary" in contents(tmp_path)
    reader.execute("COMMIT")
    assert await store.purge(bounds(LATE, LATE), 50) == 0
    assert b"canary" not in contents(tmp_path)
    reader.close()
    await store.close()


def contents(folder):
    return b"".join(path.read_bytes() for path in folder.iterdir())
