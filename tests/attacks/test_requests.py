"""Requests that two readers could take for different ones, and noise: refused, and nothing is accepted."""

import json

import pytest

from attacks.house import MAIL, ask
from everpost.model.limits import PIPELINED_MAX, REQUEST_HEAD_BYTES_MAX, REQUEST_HEADERS_MAX

BODY = json.dumps(MAIL).encode()
LENGTH = f"Content-Length: {len(BODY)}\r\n"
CHUNKED = "Transfer-Encoding: chunked\r\n"
HOST = "Host: 127.0.0.1\r\n"
ONE_CHUNK = b"%x\r\n%b\r\n0\r\n" % (len(BODY), BODY)
GET = "GET /healthz HTTP/1.1\r\n"

AMBIGUOUS = {
    "a length and chunks": (LENGTH + CHUNKED, ONE_CHUNK + b"\r\n"),
    "chunks and a length": (CHUNKED + LENGTH, ONE_CHUNK + b"\r\n"),
    "two lengths": (LENGTH + "Content-Length: 3\r\n", BODY),
    "the same length twice": (LENGTH + LENGTH, BODY),
    "a list of lengths": ("Content-Length: 3, 3\r\n", BODY),
    "a length with a sign": (f"Content-Length: +{len(BODY)}\r\n", BODY),
    "a negative length": ("Content-Length: -1\r\n", BODY),
    "a hexadecimal length": ("Content-Length: 0x10\r\n", BODY),
    "a length of 2^64": (f"Content-Length: {2**64 + 3}\r\n", BODY),
    "a length in another script": ("Content-Length: \u0663\r\n", BODY),
    "an unknown coding": ("Transfer-Encoding: xchunked\r\n", ONE_CHUNK + b"\r\n"),
    "a coding after chunked": ("Transfer-Encoding: chunked, identity\r\n", ONE_CHUNK + b"\r\n"),
    "identity, then chunked": ("Transfer-Encoding: identity\r\n" + CHUNKED, ONE_CHUNK + b"\r\n"),
    "chunked twice": (CHUNKED + CHUNKED, ONE_CHUNK + b"\r\n"),
    "chunked in a list": ("Transfer-Encoding: identity, chunked\r\n", ONE_CHUNK + b"\r\n"),
    "chunked behind a tab": ("Transfer-Encoding:\x0bchunked\r\n", ONE_CHUNK + b"\r\n"),
    "a blank before the colon": ("Transfer-Encoding : chunked\r\n", ONE_CHUNK + b"\r\n"),
    "a folded coding": ("Transfer-Encoding:\r\n chunked\r\n", ONE_CHUNK + b"\r\n"),
    "a folded header": (LENGTH + "X: a\r\n b\r\n", BODY),
    "a bare LF": (LENGTH + "X: a\nY: b\r\n", BODY),
    "a bare CR": (LENGTH + "X: a\rY: b\r\n", BODY),
    "a NUL": (LENGTH + "X: a\0b\r\n", BODY),
    "a header without a colon": (LENGTH + "Xa\r\n", BODY),
    "a nameless header": (LENGTH + ": a\r\n", BODY),
    "two hosts": (LENGTH + "Host: evil.example\r\n", BODY),
    "a chunk of 2^68 bytes": (CHUNKED, b"f" * 17 + b"\r\n" + BODY),
    "a negative chunk": (CHUNKED, b"-1\r\n" + BODY),
    "a chunk with a prefix": (CHUNKED, b"0x%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)),
    "chunks ended by bare LF": (CHUNKED, b"%x\n%b\n0\n\n" % (len(BODY), BODY)),
    "a chunk longer than it says": (CHUNKED, b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY) - 2, BODY)),
}

NOISE = {
    "a TLS hello": bytes.fromhex("16030100c8010000c40303") + bytes(189),
    "zeros": bytes(1000),
    "all bytes": bytes(range(256)),
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/3.7": f"GET / HTTP/3.7\r\n{HOST}\r\n".encode(),
    "SMTP": b"EHLO evil.example\r\nMAIL FROM:<a@b.example>\r\n",
    "a tunnel": f"CONNECT 169.254.169.254:80 HTTP/1.1\r\n{HOST}\r\n".encode(),
    "no host": GET.encode() + b"\r\n",
    "bare LF throughout": b"GET /healthz HTTP/1.1\nHost: x\n\n",
    "a target of raw bytes": b"GET /\xff\xfe HTTP/1.1\r\n" + HOST.encode() + b"\r\n",
    "a method of two words": f"GET GET /healthz HTTP/1.1\r\n{HOST}\r\n".encode(),
    "a small method": f"get /healthz HTTP/1.1\r\n{HOST}\r\n".encode(),
}


def post(house, fields, body):
    return anonymous_post(": ".join(house.bearer()) + "\r\n" + fields, body)


def anonymous_post(fields, body):
    return f"POST /v1/emails HTTP/1.1\r\n{HOST}{fields}\r\n".encode() + body


def accepted(house):
    text = ask(house.port, "GET", "/metrics", headers=[house.bearer()]).body.decode()
    return next(line for line in text.splitlines() if line.startswith("everpost_emails_accepted_total"))


@pytest.mark.parametrize(("fields", "body"), AMBIGUOUS.values(), ids=AMBIGUOUS)
def test_an_ambiguous_request_is_refused_and_what_follows_is_not_read(house, fields, body):
    before = accepted(house)
    smuggled = post(house, LENGTH, BODY)
    answered = house.raw(post(house, fields, body) + smuggled)
    assert answered.startswith(b"HTTP/1.1 400 ")
    assert answered.count(b"HTTP/1.1 ") == 1
    assert b"connection: close" in answered
    assert accepted(house) == before


@pytest.mark.parametrize("noise", NOISE.values(), ids=NOISE)
def test_noise_is_refused(house, noise):
    answered = house.raw(noise)
    assert answered.startswith(b"HTTP/1.1 400 ")
    assert answered.count(b"HTTP/1.1 ") == 1


def test_chunks_are_read_and_a_trailer_is_no_header(house):
    trailer = ": ".join(house.bearer()).encode() + b"\r\nIdempotency-Key: x\r\n"
    assert house.raw(post(house, CHUNKED, ONE_CHUNK + b"\r\n")).startswith(b"HTTP/1.1 202 ")
    assert house.raw(anonymous_post(CHUNKED, ONE_CHUNK + trailer + b"\r\n")).startswith(b"HTTP/1.1 401 ")


def test_a_trailer_makes_no_idempotency_key(house):
    keyed = post(house, CHUNKED + "Idempotency-Key: first\r\n", ONE_CHUNK + b"Idempotency-Key: second\r\n\r\n")
    assert house.raw(keyed).startswith(b"HTTP/1.1 202 ")
    assert b"idempotency-replayed: true" in house.raw(keyed)


def test_an_absolute_target_is_answered_here_whatever_host_it_names(house):
    answered = house.raw(f"GET http://169.254.169.254/healthz HTTP/1.1\r\n{HOST}\r\n".encode())
    assert answered.endswith(b'{"status":"ok","version":"0.1.0"}')


@pytest.mark.parametrize(
    "fields",
    [
        "X: " + "a" * REQUEST_HEAD_BYTES_MAX + "\r\n",
        "a" * REQUEST_HEAD_BYTES_MAX + ": a\r\n",
        "X: a\r\n" * REQUEST_HEADERS_MAX,
        "Idempotency-Key: " + "k" * REQUEST_HEAD_BYTES_MAX + "\r\n",
        f"Cookie: {'c' * 1000}\r\n" * (REQUEST_HEADERS_MAX - 10),
    ],
    ids=["a value", "a name", "too many", "a key", "together"],
)
def test_headers_that_are_too_large_or_too_many_are_refused(house, fields):
    answered = house.raw((GET + HOST + fields + "\r\n").encode())
    assert answered.startswith(b"HTTP/1.1 431 ")
    assert b"head_too_large" in answered


def test_a_target_that_is_too_large_is_refused(house):
    query = "?tag=" + "t" * REQUEST_HEAD_BYTES_MAX
    assert house.raw(f"GET /v1/emails{query} HTTP/1.1\r\n{HOST}\r\n".encode()).startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize("endless", [b"X: ", b"X: a\r\nX: ", b"/"], ids=["a value", "lines", "a target"])
def test_a_head_without_end_is_cut_off_and_costs_no_memory(house, endless):
    before = house.peak_mib
    start = b"GET " if endless == b"/" else (GET + HOST).encode()
    piece = b"a" * 65_536 if endless != b"X: a\r\nX: " else b"a\r\nX: " * 10_000
    answered = house.raw(start + endless + piece * 300)
    assert answered[:13] in (b"", b"HTTP/1.1 431 ")  # the rest of the flood may have met a closed door
    assert house.peak_mib < before + 20


def test_requests_that_are_queued_on_one_connection_cost_no_memory(house):
    before = house.peak_mib
    train = f"GET /docs HTTP/1.1\r\n{HOST}\r\n".encode()
    for _ in range(10):
        assert b"HTTP/1.1 " in house.raw(train * 20_000)
    assert house.peak_mib < before + 60


def test_a_few_queued_requests_are_all_answered(house):
    answered = house.raw((GET + HOST + "\r\n").encode() * (PIPELINED_MAX // 2))
    assert answered.count(b"HTTP/1.1 200 OK") == PIPELINED_MAX // 2
