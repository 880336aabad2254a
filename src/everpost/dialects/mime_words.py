"""Words of a mail's header: those that are encoded (RFC 2047), parameters (RFC 2045 5.1, RFC 2231), character sets.

Nothing is guessed. What can't be read for certain raises Unreadable, since a reading that is wrong is a mail that was
changed. Character sets are few: some that Python knows take the square of the time.
"""

import binascii
import codecs
import re
from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import unquote_to_bytes

_CHARSETS: Final = re.compile(
    r"utf-(7|8|16|16-le|16-be|32|32-le|32-be)|ascii|iso8859-\d+|cp\d+|koi8-[rut]|mac-\w+|shift_jis\w*|euc_\w+"
    r"|iso2022_\w+|gb2312|gbk|gb18030|big5|big5hkscs|hz|johab|tis-620|ptcp154"
)
_WORD: Final = re.compile(r"=\?([!-~]+?)(?:\*[!-~]*?)?\?([bBqQ])\?([!->@-~]*)\?=")
_BETWEEN: Final = re.compile(r"(?<=\?=)[ \t]+(?==\?[!-~]+?\?[bBqQ]\?[!->@-~]*\?=)")
_PARAMETER: Final = re.compile(r';\s*([^\s=;"]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^;]*)')
_ESCAPED: Final = re.compile(r"\\(.)")
_SEGMENT: Final = re.compile(r"([^*]+)(?:\*(\d{1,3}))?(\*)?")


class Unreadable(Exception):
    """What is wrong with a mail, and how to mend it."""


def decode_text(content: bytes, charset: str) -> str:
    """`us-ascii` with bytes beyond it is read as UTF-8, which is what its senders mean, if it is that."""
    try:
        codec = codecs.lookup(charset).name
    except (LookupError, ValueError):
        codec = ""
    if not _CHARSETS.fullmatch(codec):
        raise Unreadable(f"the character set {charset[:40]!a} is not known; use utf-8")
    try:
        return content.decode("utf-8" if codec == "ascii" else codec)
    except (UnicodeError, ValueError):
        raise Unreadable(f"a text is not in its character set {codec}") from None


def decode_words(value: str) -> str:
    """With its encoded-words read. Neighbours of one character set may share a character's bytes."""
    if "=?" not in value:
        return value
    joined = _BETWEEN.sub("", value)
    pieces: list[str] = []
    charset, octets, end = "", b"", 0
    for word in _WORD.finditer(joined):
        if octets and (word.start() != end or word[1].lower() != charset):
            pieces.append(decode_text(octets, charset))
            octets = b""
        pieces.append(joined[end : word.start()])
        charset, octets, end = word[1].lower(), octets + _octets(word[2], word[3]), word.end()
    if octets:
        pieces.append(decode_text(octets, charset))
    return "".join([*pieces, joined[end:]])


def _octets(encoding: str, text: str) -> bytes:
    if encoding in "qQ":
        return binascii.a2b_qp(text.encode("ascii"), header=True)
    try:
        return binascii.a2b_base64(text.encode("ascii"), strict_mode=True)
    except binascii.Error:
        raise Unreadable(f"the encoded word {text[:40]!a} is not base64") from None


def parse_parameters(value: str) -> tuple[str, dict[str, str]]:
    """`text/plain; charset=utf-8` in its two halves; names in lower case, and of the value only what stands first."""
    main, _, _ = value.partition(";")
    pieces: dict[str, dict[int, tuple[str, bool]]] = {}
    for name, given in _PARAMETER.findall(value[len(main) :]):
        segment = _SEGMENT.fullmatch(name)
        if segment is None:
            raise Unreadable(f"the parameter {name[:40]!a} of a header can't be read")
        text = _ESCAPED.sub(r"\1", given[1:-1]) if given.startswith('"') else given.strip()
        places = pieces.setdefault(segment[1].lower(), {})
        places.setdefault(int(segment[2] or 0), (text, segment[3] is not None))
    return main.strip().lower(), {name: _joined(places) for name, places in pieces.items()}


def _joined(places: Mapping[int, tuple[str, bool]]) -> str:
    """A value of one or more segments (RFC 2231 3 and 4)."""
    segments = [places[at] for at in sorted(places)]
    if not any(is_encoded for _, is_encoded in segments):
        return decode_words("".join(text for text, _ in segments))
    charset, (text, is_encoded) = "", segments[0]
    if is_encoded:
        charset, _, rest = text.partition("'")
        segments[0] = (rest.partition("'")[2], True)
    return decode_text(b"".join(_segment_octets(segments)), charset or "utf-8")


def _segment_octets(segments: Iterable[tuple[str, bool]]) -> Iterable[bytes]:
    for text, is_encoded in segments:
        yield unquote_to_bytes(text) if is_encoded else text.encode()
