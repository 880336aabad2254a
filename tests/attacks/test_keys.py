"""API keys: refused offline where possible, unknown to whoever steals the files, and ended at once."""

import ast
import inspect
import re
import zlib
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import everpost
from attacks.house import MAIL, ask, running, served, until
from everpost.engine import keys
from everpost.engine.keys import CACHE_S, Keyring
from everpost.model.key import Scope
from everpost.store.memory import MemoryStore
from server_kit import EVERPOST, free_ports

SOURCE = Path(everpost.__file__).parent
ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
READINGS = {  # by a body
    ("POST", "/v1/emails/search"),
    ("POST", "/v1/suppressions/search"),
    ("POST", "/v1/routes/{name}/explain"),
}
CONTENTS = {("GET", f"/v1/emails/{{id}}/{part}") for part in ("content", "source", "attachments/{place}")}
CONTENTS |= {("GET", "/v1/templates/{id}")}
SECRETIVE = {("GET", "/v1/keys")} | CONTENTS  # not for whoever may only look
SENDING = {
    ("POST", "/sendEmail"),
    ("POST", "/v1/emails"),
    ("POST", "/v1/emails/raw"),
    ("POST", "/v1/emails/bulk"),
    ("POST", "/v1/templates/{id}/render"),
    *(("POST", f"/v1/emails/{{id}}/{act}") for act in ("cancel", "reschedule", "resend", "resolve")),
}


class CountingStore:
    """A store that counts how often it is asked."""

    def __init__(self):
        self._store = MemoryStore()
        self.asked = Counter()

    def __getattr__(self, name):
        self.asked[name] += 1
        return getattr(self._store, name)


class Now:
    def __init__(self):
        self.now = 1_800_000_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Now()


@pytest.fixture
def store():
    return CountingStore()


@pytest.fixture
def keyring(store, clock):
    return Keyring(store, clock)


async def test_a_token_has_a_prefix_160_random_bits_and_a_checksum(keyring):
    tokens = [(await keyring.create("shop", Scope.SEND, ""))[1] for _ in range(50)]
    for token in tokens:
        assert re.fullmatch(r"evp_[a-z2-7]{8}_[a-z2-7]{39}", token)
        number = zlib.crc32(token[:-7].encode())
        digits = [ALPHABET[(number << 3) >> shift & 31] for shift in range(30, -1, -5)]
        assert token[-7:] == "".join(digits)
    secrets = {token[13:45] for token in tokens}
    assert len(secrets) == len(tokens)
    assert all(len({secret[place] for secret in secrets}) > 8 for place in range(32))


def other(char):
    return next(each for each in ALPHABET if each != char)


async def test_what_is_no_token_is_turned_away_without_a_look_into_the_store(keyring, store):
    _, token = await keyring.create("shop", Scope.SEND, "")
    before = store.asked.total()
    wrong = [token[:place] + other(token[place]) + token[place + 1 :] for place in range(4, len(token))]
    wrong += [
        token[:-1],
        token + "a",
        token.upper(),
        " " + token,
        token + "\n",
        "evp_" * 20,
        "",
        "a" * 100_000,
        token[4:],
    ]
    for each in wrong:
        assert await keyring.find(each) is None
    assert store.asked.total() == before


@given(token=st.text() | st.from_regex(r"evp_[a-z2-7]{8}_[a-z2-7]{39}", fullmatch=True))
def test_no_made_up_text_is_a_token(token):
    parsed = keys.parse(token)
    assert parsed is None or keys.render(*parsed) == token


def test_digests_are_compared_in_constant_time():
    """Told by the code: a clock would prove nothing."""
    compared = ast.unparse(ast.parse(inspect.getsource(keys.Keyring.find).lstrip()))
    assert "hmac.compare_digest(key.digest, _digest(secret))" in compared
    assert "digest ==" not in Path(keys.__file__).read_text()


async def test_a_revoked_key_ends_at_once_here_and_within_a_second_elsewhere(store, clock):
    here, elsewhere = Keyring(store, clock), Keyring(store, clock)
    key, token = await here.create("shop", Scope.SEND, "")
    assert await here.find(token)
    assert await elsewhere.find(token)
    await here.revoke(key.id)
    assert await here.find(token) is None
    clock.now += CACHE_S
    assert await elsewhere.find(token) is None
    assert CACHE_S <= 1.0


async def test_a_key_ends_by_itself_to_the_moment_though_it_is_remembered(keyring, clock):
    _, token = await keyring.create("shop", Scope.SEND, "", lasts_s=CACHE_S / 2)
    assert await keyring.find(token)
    clock.now += CACHE_S / 2
    assert await keyring.find(token) is None


async def test_the_end_of_a_key_can_not_be_put_off_by_another(keyring, clock):
    for number in range(keys.CACHED_KEYS_MAX + 10):
        _, token = await keyring.create("shop", Scope.READ, str(number), lasts_s=10)
        assert await keyring.find(token)
    clock.now += 10
    assert await keyring.find(token) is None


# --- a real server ---------------------------------------------------------------------------------------------------


def test_no_file_holds_a_key(house):
    tokens = [house.token("shop", scope) for scope in ("send", "read", "admin")]
    for token in tokens:
        house.ask("GET", "/v1/accounts", headers=[("X-Key", token)])
        ask(house.port, "GET", f"/v1/emails?tag={token}", headers=[("Authorization", f"Bearer {token}")])
    content = b"".join(path.read_bytes() for path in house.folder.rglob("*") if path.is_file())
    for token in tokens:
        head, _, secret = token.rpartition("_")
        assert head.removeprefix("evp_").encode() in content
        assert secret[:32].encode() not in content


def everywhere(house):
    """Every operation of the API, as it describes itself."""
    document = ask(house.port, "GET", "/openapi.json").json
    for path, methods in document["paths"].items():
        for method in methods:
            yield method.upper(), path


def target(path):
    places = {"id": "em_01jzzzzzzzzzzzzzzzzzzzzzzz", "name": "default", "address": "a@b.example", "file": "app.js"}
    return path.format(account="nobody", place=0, **places)


OPEN = {"/healthz", "/livez", "/readyz", "/docs", "/openapi.json", "/", "/config.json", "/page/{file}"}
SIGNED = {"/hooks/{account}"}  # by a provider, whose events need no key


@pytest.mark.parametrize(
    "headers",
    [
        (),
        [("Authorization", "")],
        [("Authorization", "Bearer")],
        [("Authorization", "Bearer evp_aaaaaaaa_" + "a" * 39)],
        [("Authorization", "Basic Og==")],
        [("Authorization", "Basic \u00e9")],
        [("Authorization", "Digest username=x")],
        [("X-Api-Key", "{token}")],
        [("Cookie", "key={token}")],
        [("Proxy-Authorization", "Bearer {token}")],
        [("Authorization", "Bearer {token} x")],
        [("Authorization", "Bearer x"), ("Authorization", "Bearer {token}")],
    ],
    ids=str,
)
def test_without_a_key_in_its_place_nothing_is_answered(house, headers):
    given_ = [(name, value.format(token=house.token())) for name, value in headers]
    for method, path in everywhere(house):
        answer = ask(house.port, method, target(path), headers=given_)
        assert (answer.status == 401) == (path not in OPEN | SIGNED), (method, path, answer)


def test_a_key_in_an_address_is_no_key(house):
    token = house.token()
    for query in (f"key={token}", f"api_key={token}", f"access_token={token}", f"Authorization=Bearer+{token}"):
        assert ask(house.port, "GET", f"/v1/accounts?{query}").status == 401


@pytest.mark.parametrize("scope", ["send", "read", "admin"])
def test_a_key_may_do_what_its_scope_says_and_no_more(house, scope):
    refused = set()
    for method, path in everywhere(house):
        if house.ask(method, target(path), headers=[], scope=scope).status == 403:
            refused.add((method, path))
    changes = {(method, path) for method, path in everywhere(house) if method != "GET" and path not in SIGNED}
    needy = (changes | SECRETIVE) - READINGS
    allowed = {"send": SENDING | CONTENTS, "read": set(), "admin": needy}[scope]
    assert refused == needy - allowed


def test_a_key_that_the_command_line_revokes_ends_in_every_running_server(tmp_path):
    with served(tmp_path) as house:
        [port] = free_ports(1)
        config = tmp_path / "second.toml"
        config.write_text(
            (tmp_path / "everpost.toml").read_text().replace(f"port = {house.port}\n", f"port = {port}\n")
        )
        config.chmod(0o600)
        bearer = [house.bearer("shop", "send")]
        key_id = house.token("shop", "send").split("_")[1]
        with running((*EVERPOST, "serve", "--config", config), tmp_path / "second.log"):
            until(lambda: is_up(port))
            ports = (house.port, port)
            assert [ask(each, "POST", "/v1/emails", MAIL, bearer).status for each in ports] == [202, 202]
            with running(
                (*EVERPOST, "keys", "revoke", key_id, "--data", house.data), tmp_path / "revoke.log"
            ) as revoke:
                assert revoke.wait(30) == 0
            until(lambda: [ask(each, "POST", "/v1/emails", MAIL, bearer).status for each in ports] == [401, 401], 10)


def is_up(port):
    try:
        return ask(port, "GET", "/readyz").status == 200
    except OSError:
        return False
