"""What may go wrong with the content of a mail where it is read: a pure function from content to findings.

Sources. Gmail shows about the first 102 KB of a mail's html, "[Message clipped]" and a link to the rest; that figure
is the field's, not Google's own (spamresource.com, January 2022, measured 105 KB). Text for every image: WCAG 2.2,
1.1.1; a purpose for every link: 2.4.4; a title and a language: 2.4.2 and 3.1.1. A plain part beside the html: RFC 2046,
5.1.4. Scripts and forms are taken out, or refused, by the mail clients.
"""

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from html.parser import HTMLParser
from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct

CLIPPED_BYTES: Final = 102 * 1024
READ_CHARS_MAX: Final = 1_000_000  # of the html; what follows is only weighed
EXAMPLES_MAX: Final = 3
EXAMPLE_CHARS_MAX: Final = 120


class Level(StrEnum):
    FAULT = "fault"  # readers will miss something
    WARNING = "warning"  # some may


class Finding(Struct, frozen=True):
    code: str
    level: Level
    title: str
    advice: str
    count: int
    examples: tuple[str, ...] = ()


_TITLES: Final[Mapping[str, tuple[Level, str, str]]] = {
    "no_text": (
        Level.FAULT,
        "There is no plain-text part",
        "Send a text beside the html: some readers show nothing else, and filters count its absence.",
    ),
    "clipped": (
        Level.FAULT,
        "Gmail will clip it",
        f"It shows about the first {CLIPPED_BYTES // 1024} KB of html. Shorten it: what follows is behind a link.",
    ),
    "script": (Level.FAULT, "It has scripts", "No mail client runs them, and many refuse such a mail. Leave them out."),
    "form": (Level.FAULT, "It has a form", "Most clients do not send it. Link to a page with the form."),
    "no_alt": (
        Level.FAULT,
        "Images have no text",
        "Give each img an alt: images are often blocked. An empty one says that it is mere decoration.",
    ),
    "empty_link": (Level.FAULT, "Links lead nowhere", "Give each an absolute address as its href."),
    "other_target": (
        Level.FAULT,
        "Links show another address than theirs",
        "That is how phishing looks, and filters treat it so. Show words, or the real address.",
    ),
    "unnamed_link": (Level.WARNING, "Links have no words", "Say where each leads, in its text or its image's alt."),
    "plain_http": (Level.WARNING, "Links are not encrypted", "Use https: some clients warn of http."),
    "remote_image": (
        Level.WARNING,
        "Images are fetched from elsewhere",
        "Many clients block them until the reader allows it: the mail must make sense without.",
    ),
    "no_title": (Level.WARNING, "It has no title", "Give the html a title: screen readers say it first."),
    "no_lang": (Level.WARNING, "It says no language", 'Write <html lang="en">, or whatever it is written in.'),
}
"""By code, in the order in which they are told."""

_ADDRESS_LIKE: Final = re.compile(r"(?:https?://)?((?:[a-z0-9-]+\.)+[a-z]{2,})(?:[/:?#]\S*)?", re.IGNORECASE)
_LEADS: Final = ("http", "https", "mailto", "tel", "sms")


def check(html: str | None, text: str | None) -> list[Finding]:
    """Everything that was found, the worst first; nothing of a mail without html."""
    if not html:
        return []
    reading = _Reading()
    reading.feed(html[:READ_CHARS_MAX])
    reading.close()
    reading.end_link()
    found = reading.found
    size = len(html.encode())
    if not (text or "").strip():
        found["no_text"] = [""]
    if size > CLIPPED_BYTES:
        found["clipped"] = [f"{size / 1024:.0f} KB"]
    if not reading.title.strip():
        found["no_title"] = [""]
    if not reading.has_language:
        found["no_lang"] = [""]
    return [_finding(code, found[code]) for code in _TITLES if code in found]


def _finding(code: str, places: Sequence[str]) -> Finding:
    level, title, advice = _TITLES[code]
    told = [place[:EXAMPLE_CHARS_MAX] for place in dict.fromkeys(places) if place]
    return Finding(code, level, title, advice, len(places), tuple(told[:EXAMPLES_MAX]))


class _Reading(HTMLParser):
    """Collects the places of each finding."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, list[str]] = {}
        self.title = ""
        self.has_language = False
        self._in_title = False
        self._target: str | None = None  # of the link that is open
        self._words = ""

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        match tag:
            case "html":
                self.has_language = bool(given.get("lang", "").strip())
            case "title":
                self._in_title = True
            case "script" | "form":
                self._add(tag, given.get("src") or given.get("action") or f"<{tag}>")
            case "img":
                self._image(given)
            case "a" if "href" in given or "name" not in given:
                self.end_link()
                self._target, self._words = given.get("href", "").strip(), ""
            case _:
                pass
        for name in given:
            if name.startswith("on"):
                self._add("script", f"{name} of <{tag}>")

    def handle_endtag(self, tag: str) -> None:
        if tag == "title":
            self._in_title = False
        elif tag == "a":
            self.end_link()

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.title += data
        self._words += data

    def _image(self, given: Mapping[str, str]) -> None:
        source = given.get("src", "")
        if "alt" not in given:
            self._add("no_alt", source or "<img>")
        if source.startswith(("http:", "https:", "//")):
            self._add("remote_image", source)
        self._words += given.get("alt", "")

    def end_link(self) -> None:
        """What is known of a link when it ends, or the next one begins."""
        target, self._target = self._target, None
        if target is None:
            return
        words = " ".join(self._words.split())
        parts = _parts(target)
        if parts is None:
            self._add("empty_link", f"{words or '(no words)'}: {target or '(no href)'}")
            return
        scheme, host = parts
        if scheme == "script":
            self._add("script", target)
            return
        if not words:
            self._add("unnamed_link", target)
        if scheme == "http":
            self._add("plain_http", target)
        shown = _ADDRESS_LIKE.fullmatch(words)
        if shown and host and not _same_site(shown[1].lower(), host):
            self._add("other_target", f"{words} leads to {host}")

    def _add(self, code: str, place: str) -> None:
        self.found.setdefault(code, []).append(place)


def _parts(target: str) -> tuple[str, str] | None:
    """Scheme and host of an address; None: it leads nowhere outside of the mail."""
    try:
        parts = urlsplit(target)
        host = (parts.hostname or "").lower()
    except ValueError:
        return None
    if parts.scheme.lower() == "javascript":
        return "script", ""
    if parts.scheme.lower() not in _LEADS or (parts.scheme in ("http", "https") and not host):
        return None
    return parts.scheme.lower(), host


def _same_site(shown: str, host: str) -> bool:
    """Whether one is the other, or a name below it: `example.com` may lead to `www.example.com`."""
    return shown == host or shown.endswith("." + host) or host.endswith("." + shown)
