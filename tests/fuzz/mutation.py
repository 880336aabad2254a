"""Inputs made of other inputs: cut, doubled, spliced, and strewn with what parsers trip over."""

from random import Random

TOKENS = (
    *(b"\r\n", b"\n", b"\r", b"\0", b"\r\n\r\n", b"\r\n.\r\n", b"\n.\n", b"\x1a", b"\xff", b"\xc3", b"\xed\xa0\x80"),
    *(
        b'"',
        b"'",
        b"\\",
        b"<",
        b">",
        b"(",
        b")",
        b"[",
        b"]",
        b"{",
        b"}",
        b",",
        b";",
        b":",
        b"@",
        b"=",
        b"%",
        b"&",
        b"--",
    ),
    *(b"null", b"true", b"[]", b"{}", b'""', b"-1", b"0", b"1e999", b"NaN", b"9" * 30, b"9" * 5000, b"\\ud800"),
    *(b"=?utf-8?b?", b"?=", b"=?utf-8?q?=0A=0D?=", b"Content-Type: ", b"multipart/mixed; boundary=", b"boundary=x"),
    *(b"HTTP/1.1 200 OK\r\n", b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"250 ", b"250-", b"354 "),
    *("\u2028".encode(), "٣".encode(), "²".encode(), "é".encode(), "\U0001f600".encode(), "ß".encode(), b"xn--"),
    *(b"[" * 3000, b'{"a":' * 3000, b"a" * 2000, b"1" * 100, b" " * 300),
)


def mutated(chance: Random, corpus: list[bytes]) -> bytes:
    """One of the inputs after a few changes."""
    data = chance.choice(corpus)
    for _ in range(chance.randint(1, 6)):
        data = chance.choice(_CHANGES)(chance, data, corpus)
    return data


def _place(chance, data):
    return chance.randint(0, len(data))


def _span(chance, data):
    start = _place(chance, data)
    return start, min(len(data), start + chance.choice((1, 2, 4, 16, 64)))


def _insert(chance, data, corpus):
    at = _place(chance, data)
    return data[:at] + chance.choice(TOKENS) + data[at:]


def _replace(chance, data, corpus):
    start, end = _span(chance, data)
    return data[:start] + chance.choice(TOKENS) + data[end:]


def _cut(chance, data, corpus):
    start, end = _span(chance, data)
    return data[:start] + data[end:]


def _double(chance, data, corpus):
    start, end = _span(chance, data)
    return data[:end] + data[start:end] * chance.choice((1, 1, 3, 50)) + data[end:]


def _end(chance, data, corpus):
    return data[: _place(chance, data)]


def _flip(chance, data, corpus):
    if not data:
        return data
    at = chance.randrange(len(data))
    return data[:at] + bytes([data[at] ^ (1 << chance.randrange(8))]) + data[at + 1 :]


def _splice(chance, data, corpus):
    other = chance.choice(corpus)
    return data[: _place(chance, data)] + other[_place(chance, other) :]


_CHANGES = (_insert, _insert, _replace, _replace, _cut, _double, _end, _flip, _splice)
