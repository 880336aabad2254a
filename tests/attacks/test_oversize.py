"""Everything too large, too many or too deep: each has its documented answer, and a bounded cost."""

import gzip
import json
import socket

import pytest

from attacks.house import MAIL, encoded, served
from everpost.dialects import legacy
from everpost.dialects.faults import FAULTS_MAX
from everpost.dialects.native import mail as native
from everpost.model.limits import BODY_BYTES_MAX, JSON_VALUES_MAX, PAGE_MAX
from everpost.model.message import Draft
from everpost.model.problem import Problem
from server_kit import HOST

MEGABYTES = 8
SIZE = MEGABYTES * 1024 * 1024
PEAK_MIB = 300  # a body in the hands of the server, the reader's and the parser's, and its values
CPU_S = 2.0  # of one request; without the bounds they take from ten seconds to hours
START = json.dumps(MAIL)[:-1].encode()
LEGACY = b'{"from":"a@example.com","subject":"s","text":"t"'


def repeated(item, size=SIZE):
    return item * (size // len(item))


def numbered(item, size=SIZE):
    """Keys that differ."""
    return b"".join(item % number for number in range(size // (len(item) + 4)))


DEPTH = repeated(b"[") + repeated(b"]")
BOMBS = {
    "10^6 recipients": (START + b',"cc":["x@example.org"' + repeated(b',"x@example.org"') + b"]}", 413),
    "numbers for recipients": (START + b',"cc":[1' + repeated(b",1") + b"]}", 413),
    "unknown fields": (START + numbered(b',"k%d":1') + b"}", 413),
    "headers": (START + b',"headers":{"X":""' + numbered(b',"X%d":""') + b"}}", 413),
    "metadata": (START + b',"metadata":{"a":1' + numbered(b',"k%d":1') + b"}}", 413),
    "the same field again and again": (START + repeated(b',"subject":"a"') + b"}", 413),
    "empty lists": (START + b',"provider_options":{"mailgun":{"o:a":[[]' + repeated(b",[]") + b"]}}}", 413),
    "attachments": (START + b',"attachments":[{}' + repeated(b",{}") + b"]}", 413),
    "depth in options": (START + b',"provider_options":{"mailgun":{"a":' + DEPTH + b"}}}", 400),
    "depth in a field": (START + b',"tags":' + DEPTH + b"}", 400),
    "depth of objects": (repeated(b'{"a":') + b"1" + repeated(b"}"), 400),
    "a long number": (START + b',"send_at":' + repeated(b"9") + b"}", 400),
    "a number beyond all": (START + b',"send_at":1e999999999}', 400),
    "a subject": (START + b',"subject":"' + repeated(b"s") + b'"}', 422),
    "an address": (START + b',"cc":"' + repeated(b"<") + b'"}', 422),
    "a name": (START + b',"cc":{"email":"x@example.org","name":"' + repeated(b"n") + b'"}}', 422),
    "a key": (START + b',"' + repeated(b"k") + b'":1}', 422),
    "a tag": (START + b',"tags":["' + repeated(b"t") + b'"]}', 422),
    "options": (START + b',"provider_options":{"mailgun":{"o:a":"' + repeated(b"o") + b'"}}}', 422),
    "a base64 that breaks off": (
        START + b',"attachments":[{"filename":"a","content":"' + repeated(b"QQ==") + b'"}]}',
        422,
    ),
    "bytes that are no UTF-8": (START + b',"html":"' + repeated(b"\xff") + b'"}', 400),
    "half a surrogate": (START + b',"html":"\\ud800"}', 400),
    "a bomb of gzip": (gzip.compress(bytes(SIZE * 10)), 400),
    "blanks": (repeated(b" "), 400),
}


@pytest.mark.parametrize(("body", "status"), BOMBS.values(), ids=BOMBS)
def test_a_bomb_is_refused_at_a_bounded_cost(house, body, status):
    house.token()
    cpu_s = house.cpu_s
    assert house.ask("POST", "/v1/emails", body).status == status
    assert house.cpu_s - cpu_s < CPU_S
    assert house.peak_mib < PEAK_MIB
    assert house.is_honest_to_others()


@pytest.mark.parametrize(
    "to",
    [b'"x' + repeated(b",x") + b'"', b'"' + repeated(b"x") + b'"', b'"' + repeated(b"\\u00e9@b,") + b'"'],
    ids=["many", "one", "in another script"],
)
def test_a_list_of_the_original_api_is_counted_before_it_is_read(house, to):
    cpu_s = house.cpu_s
    assert house.ask("POST", "/sendEmail", LEGACY + b',"to":' + to + b"}").status == 400
    assert house.cpu_s - cpu_s < CPU_S


@pytest.mark.parametrize("announced", [BODY_BYTES_MAX + 1, 1024**3, 10**18])
def test_a_body_that_is_announced_as_too_large_is_not_waited_for(house, announced):
    head = f"POST /v1/emails HTTP/1.1\r\nHost: {HOST}\r\n{': '.join(house.bearer())}\r\nContent-Length: {announced}"
    assert house.raw(f"{head}\r\n\r\n".encode()).startswith(b"HTTP/1.1 413 ")


def test_chunks_without_end_are_cut_off_at_the_size_of_a_body(house):
    head = f"POST /v1/emails HTTP/1.1\r\nHost: {HOST}\r\n{': '.join(house.bearer())}\r\n"
    chunk = b"100000\r\n" + bytes(0x100000) + b"\r\n"
    answered = house.raw(
        head.encode() + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * (2 * BODY_BYTES_MAX // 0x100000)
    )
    assert answered[:13] in (b"", b"HTTP/1.1 413 ")  # what was said may be lost with the rest of the flood
    assert house.peak_mib < PEAK_MIB
    assert house.is_honest_to_others()


@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", "/v1/routes/default"), ("PUT", "/v1/suppressions/x@example.org"), ("POST", "/setEmailProvider")],
)
def test_every_body_is_bounded(house, method, path):
    assert house.ask(method, path, b'{"a":[1' + repeated(b",1") + b"]}").status == 413
    assert house.ask(method, path, repeated(b"[")).status == 400


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/emails?" + "&".join(f"k{n}=1" for n in range(5000)), 400),
        ("/v1/emails?tag=" + "%00" * 10_000, 200),
        ("/v1/emails?cursor=" + "A" * 40_001, 400),
        ("/v1/emails?limit=" + "9" * 40_000, 400),
        ("/v1/emails?created_from=" + "9" * 40_000, 400),
        ("/v1/events?after=" + "9" * 40_000, 400),
        ("/v1/emails/" + "e" * 60_000, 404),
        ("/v1/suppressions/" + "e" * 60_000, 422),
        ("/v1/routes/" + "r/" * 30_000, 404),
    ],
    ids=["parameters", "NULs", "a cursor", "a limit", "a time", "a sequence", "an id", "an address", "segments"],
)
def test_a_large_target_has_its_answer(house, path, status):
    assert house.ask("GET", path).status == status


def test_the_largest_allowed_mail_is_taken(house):
    content = encoded(bytes(24 * 1024 * 1024))
    mail = MAIL | {"attachments": [{"filename": "a.bin", "content": content}]}
    assert house.ask("POST", "/v1/emails", mail).status == 202


def test_pages_are_bounded(house):
    assert house.ask("GET", f"/v1/emails?limit={PAGE_MAX + 1}").status == 400


def test_values_within_texts_are_not_counted():
    commas = "," * JSON_VALUES_MAX + '",\\",' * JSON_VALUES_MAX + "\\"
    draft = native.parse(json.dumps(MAIL | {"html": commas}).encode())
    assert isinstance(draft, Draft)
    assert draft.html == commas


@pytest.mark.parametrize("string", [r'"\"', r'"\\', '"', r'"a\\\"b'])
def test_values_behind_a_string_that_does_not_end_are_none(string):
    refused = native.parse(START + b',"a":' + string.encode() + b"," * JSON_VALUES_MAX)
    assert isinstance(refused, Problem)
    assert refused.code == "bad_json"


@pytest.mark.parametrize("string", ['""', r'"\\"', r'"a\"b"', r'"\\\""'])
def test_values_behind_a_string_that_ends_are_counted(string):
    refused = native.parse(b'{"a":[' + string.encode() + b",1" * JSON_VALUES_MAX + b"]}")
    assert isinstance(refused, Problem)
    assert refused.code == "body_too_large"


def test_a_flood_of_faults_below_the_bound_is_cut():
    keys = {f"k{number}": 1 for number in range(JSON_VALUES_MAX // 2)}
    for parse in (native.parse, legacy.parse):
        refused = parse(json.dumps(keys).encode())
        assert isinstance(refused, Problem)
        assert len(refused.errors) == FAULTS_MAX


def test_silent_clients_leave_the_store_and_the_providers_their_files(tmp_path):
    """On a machine that grants few files a process: clients get half of them."""
    with served(tmp_path, files_max=256) as house:
        silent = [socket.create_connection((HOST, house.port)) for _ in range(600)]
        for _ in range(5):
            assert house.is_honest_to_others()
        for connection in silent:
            connection.close()
