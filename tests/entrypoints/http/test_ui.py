"""The page's files are served as they are, and a browser is told what they may do."""

import gzip
import json
import re
from pathlib import Path

from everpost.model.event import EventType

FOLDER = Path(__file__).resolve().parents[3] / "src" / "everpost" / "entrypoints" / "ui"
FILES = sorted(each for each in FOLDER.rglob("*") if each.is_file())
PATHS = {"/": FOLDER / "index.html"} | {f"/page/{each.name}": each for each in (FOLDER / "page").iterdir()}
LINES_MAX = 300
PACKED_BYTES_MAX = 150_000  # all of it, as it is sent
MARKUP = re.compile(r"\b(innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|eval|new Function|srcdoc)\b")


async def test_every_file_is_served_as_it_lies_in_the_folder(call):
    for file in sorted((FOLDER / "page").iterdir()):
        answer = await call("GET", f"/page/{file.name}")
        assert (answer.status, answer.body) == (200, file.read_bytes())
    assert (await call("GET", "/")).body == (FOLDER / "index.html").read_bytes()


async def test_who_takes_gzip_gets_it(call):
    for path, name in PATHS.items():
        for taken in ("gzip", "br, gzip;q=0.5", "GZIP, *;q=0"):
            answer = await call("GET", path, headers={"accept-encoding": taken})
            assert (answer.headers["content-encoding"], answer.headers["vary"]) == ("gzip", "accept-encoding")
            assert gzip.decompress(answer.body) == name.read_bytes()
        for refused in ("", "br", "gzip;q=0", "gzip; q=0.000, br", "gzipped"):
            answer = await call("GET", path, headers={"accept-encoding": refused})
            assert "content-encoding" not in answer.headers
            assert answer.body == name.read_bytes()


async def test_what_a_browser_has_already_is_not_sent_again(call):
    for path in PATHS:
        versions = set()
        for taken in ("gzip", "br"):
            first = await call("GET", path, headers={"accept-encoding": taken})
            etag = first.headers["etag"]
            versions.add(etag)
            assert first.headers["cache-control"] == "no-cache"
            for known in (etag, f'"other", W/{etag}', "*"):
                again = await call("GET", path, headers={"accept-encoding": taken, "if-none-match": known})
                assert (again.status, again.body, again.headers["etag"]) == (304, b"", etag)
                assert "content-length" not in again.headers
                assert again.headers["content-security-policy"] == first.headers["content-security-policy"]
            other = await call("GET", path, headers={"accept-encoding": taken, "if-none-match": '"other"'})
            assert (other.status, other.body) == (200, first.body)
        assert len(versions) == 2, "a packed file and the file itself must not be taken for each other"


async def test_no_answer_of_the_api_is_kept(call):
    for path in ("/v1/emails", "/config.json", "/v1/nothing"):
        assert (await call("GET", path)).headers["cache-control"] == "no-store"


async def test_no_other_file_is_served(call):
    for name in ("nothing.js", "index.html", "..", "%2e%2e%2findex.html", "config.json", ""):
        assert (await call("GET", f"/page/{name}")).status == 404


def test_what_a_file_imports_or_links_to_is_there():
    named = {file: re.findall(r'(?: from |src=|href=)"(\./[\w.]+|page/[\w.]+)"', file.read_text()) for file in FILES}
    assert len(named[FOLDER / "page" / "app.js"]) > 5
    assert len(named[FOLDER / "index.html"]) > 3
    assert [
        (file.name, name) for file, names in named.items() for name in names if not (file.parent / name).is_file()
    ] == []


IMPORTED = re.compile(r"^(?:import|export) .*?from \"\./([\w.]+)\"", re.MULTILINE | re.DOTALL)
LOADED = re.compile(r"await import\(\"\./([\w.]+)\"\)")


def closure(*names):
    """The modules that come with these, by what they import before they run."""
    found, ahead = set(), list(names)
    while ahead:
        name = ahead.pop()
        if name not in found:
            found.add(name)
            ahead += IMPORTED.findall((FOLDER / "page" / name).read_text())
    return found


def test_the_modules_of_the_frame_are_asked_for_at_once():
    """One after the other, as they import each other, would take several round trips."""
    ahead = re.findall(r'rel="modulepreload" href="page/([\w.]+)"', (FOLDER / "index.html").read_text())
    assert sorted([*ahead, "app.js"]) == sorted(closure("app.js"))


def test_views_come_when_they_are_looked_at_and_no_module_is_left_over():
    views = LOADED.findall((FOLDER / "page" / "views.js").read_text())
    assert closure("app.js") & set(views) == set()
    assert sorted(closure("app.js", *views)) == sorted(file.name for file in FILES if file.suffix == ".js")


async def test_the_policy_lets_the_page_use_its_own_files_and_this_api_alone(call):
    for path in ("/", "/page/app.js"):
        policy = (await call("GET", path)).headers["content-security-policy"]
        pairs = dict(part.strip().split(" ", 1) for part in policy.split(";"))
        assert pairs.pop("default-src") == pairs.pop("base-uri") == pairs.pop("form-action") == "'none'"
        assert pairs.pop("frame-ancestors") == pairs.pop("trusted-types") == "'none'"
        assert pairs.pop("require-trusted-types-for") == "'script'"
        assert (pairs.pop("style-src"), pairs.pop("img-src")) == ("'self' 'unsafe-inline'", "'self' data:")
        assert pairs.pop("frame-src") == "blob:"  # and what is in such a frame has this policy, too
        assert pairs == dict.fromkeys(("script-src", "connect-src"), "'self'")


def test_the_page_knows_every_type_of_event():
    text = (FOLDER / "page" / "types.js").read_text()
    kinds = re.findall(r"^  (\w+): \[(.*?)\]", text, re.MULTILINE | re.DOTALL)
    told = {f"{kind}.{name}" for kind, names in kinds for name in re.findall(r'"(\w+)"', names)}
    assert told == {type_.value for type_ in EventType}


def test_no_script_or_style_stands_in_the_markup():
    index = (FOLDER / "index.html").read_text()
    assert re.findall(r"<script(?![^>]* src=)|<style| style=| on\w+=", index) == []
    assert re.findall(r'"https?:|"//', index) == []


def test_no_text_becomes_markup():
    assert [file.name for file in FILES if file.suffix == ".js" and MARKUP.search(file.read_text())] == []


def test_the_files_are_short_enough_to_be_read_at_once():
    assert [file.name for file in FILES if len(file.read_text().splitlines()) > LINES_MAX] == []


async def test_the_whole_page_weighs_little(call):
    sizes = {path: len((await call("GET", path, headers={"accept-encoding": "gzip"})).body) for path in PATHS}
    assert sum(sizes.values()) < PACKED_BYTES_MAX, sorted(sizes.items(), key=lambda each: -each[1])


async def test_the_page_is_told_where_the_api_is(call):
    told = (await call("GET", "/config.json")).json
    assert told == {"api": "", "docs": "/docs"}
    assert json.loads((FOLDER / "config.json").read_text()) == dict.fromkeys(told, "")
