"""The page's files are served as they are, and a browser is told what they may do."""

import json
import re
from pathlib import Path

from everpost.entrypoints.http.app import build_app
from http_kit import Caller, ScriptedWire, running

FOLDER = Path(__file__).resolve().parents[3] / "src" / "everpost" / "entrypoints" / "ui"
FILES = sorted(each for each in FOLDER.rglob("*") if each.is_file())
LINES_MAX = 300
BYTES_MAX = 150_000  # all of it, uncompressed
MARKUP = re.compile(r"\b(innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|eval|new Function|srcdoc)\b")


async def test_every_file_is_served_as_it_lies_in_the_folder(call):
    for file in sorted((FOLDER / "page").iterdir()):
        answer = await call("GET", f"/page/{file.name}")
        assert (answer.status, answer.body) == (200, file.read_bytes())
    assert (await call("GET", "/")).body == (FOLDER / "index.html").read_bytes()


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


def test_every_module_is_asked_for_at_once():
    """One after the other, as they import each other, would take several round trips."""
    ahead = re.findall(r'rel="modulepreload" href="page/([\w.]+)"', (FOLDER / "index.html").read_text())
    assert sorted([*ahead, "app.js"]) == sorted(file.name for file in FILES if file.suffix == ".js")


async def test_the_policy_lets_the_page_use_its_own_files_and_this_api_alone(call):
    for path in ("/", "/page/app.js"):
        policy = (await call("GET", path)).headers["content-security-policy"]
        pairs = dict(part.strip().split(" ", 1) for part in policy.split(";"))
        assert pairs.pop("default-src") == pairs.pop("base-uri") == pairs.pop("form-action") == "'none'"
        assert pairs.pop("frame-ancestors") == pairs.pop("trusted-types") == "'none'"
        assert pairs.pop("require-trusted-types-for") == "'script'"
        for_mail = {"style-src": "'self' 'unsafe-inline'", "img-src": "'self' data:", "frame-src": "blob:"}
        assert pairs == dict.fromkeys(("script-src", "connect-src"), "'self'") | for_mail


def test_no_script_or_style_stands_in_the_markup():
    index = (FOLDER / "index.html").read_text()
    assert re.findall(r"<script(?![^>]* src=)|<style| style=| on\w+=", index) == []
    assert re.findall(r'"https?:|"//', index) == []


def test_no_text_becomes_markup():
    assert [file.name for file in FILES if file.suffix == ".js" and MARKUP.search(file.read_text())] == []


def test_the_files_are_short_enough_to_be_read_at_once():
    assert [file.name for file in FILES if len(file.read_text().splitlines()) > LINES_MAX] == []


def test_the_whole_page_weighs_little():
    assert sum(file.stat().st_size for file in FILES) < BYTES_MAX


async def test_the_page_is_told_where_the_api_is_and_whether_there_is_an_inbox(call):
    assert (await call("GET", "/config.json")).json == {"api": "", "docs": "/docs", "inbox": "/inbox"}
    async with running(ScriptedWire()) as (services, _):
        told = await Caller(build_app(services))("GET", "/config.json")
    assert told.json == {"api": "", "docs": "/docs", "inbox": ""}
    assert json.loads((FOLDER / "config.json").read_text()) == dict.fromkeys(told.json, "")
