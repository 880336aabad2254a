"""The pages that show other people's mail run nothing, load nothing, and are made of our own elements alone.

First by their markup, over a thousand strings in every place; then in a real browser, in a network of its own where any
call to anywhere would be seen.
"""

import subprocess
from contextlib import contextmanager
from html.parser import HTMLParser
from types import SimpleNamespace

import pytest

from attacks.house import ask, running, until
from attacks.markup import OTHERS, RUN, SIGN, VECTORS
from attacks.namespace import check_in_namespace, wiretap
from everpost.entrypoints.http.app import build_app
from everpost.entrypoints.http.inbox_pages import InboxPages
from everpost.entrypoints.http.page import framed_mail
from everpost.model.message import Address, Attachment, Draft
from http_kit import Caller, ScriptedWire
from http_kit import running as running_app
from server_kit import EVERPOST, HOST, free_ports
from system_parts import program

OWN_TAGS = {"html", "head", "meta", "title", "style", "body", "nav", "a", "main", "h1", "h2", "table", "thead", "tbody"}
OWN_TAGS |= {"tr", "th", "td", "pre", "iframe", "p"}
OWN_ATTRIBUTES = {
    "html": {"lang": "en"},
    "iframe": {"sandbox": None, "title": "The mail's html", "src": "/inbox/1/html"},
}
CLOSED = "--></textarea></style></script></title></xmp></noscript></iframe></svg></math></select></table>"


class Elements(HTMLParser):
    """The elements of a page, with their attributes."""

    def __init__(self, page):
        super().__init__()
        self.found = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))


class Inbox:
    """One mail with the same text in every place."""

    def __init__(self, text):
        self.text = text
        line = text.replace("\n", " ")
        person = Address(f'"{line}"@example.com', line)
        self.draft = Draft(
            sender=person,
            to=(person,),
            cc=(person,),
            bcc=(person,),
            reply_to=(person,),
            subject=line,
            text=text,
            html=text,
            headers={line: line},
            tags=(line,),
            metadata={line: line},
            attachments=(Attachment(filename=line, content_type=line, content=b"x"),),
        )

    def list(self, limit):
        return [self.get("1")]

    def get(self, caught_id):
        facts = {"provider": self.text, "delivery_id": self.text, "provider_message_id": self.text}
        return SimpleNamespace(id="1", received_at=1_800_000_000.0, draft=self.draft, **facts)


def test_there_are_a_thousand_vectors():
    assert len(VECTORS) >= 1000


async def test_pages_are_made_of_our_own_elements_whatever_a_mail_holds():
    call = SimpleNamespace(place=lambda _: "1", query={})
    for vector in VECTORS:
        pages = InboxPages(Inbox(vector))
        for reply in (await pages.list_page(call), await pages.get_page(call)):
            elements = Elements(reply.body.decode()).found
            assert {tag for tag, _ in elements} <= OWN_TAGS, vector
            for tag, attributes in elements:
                expected = OWN_ATTRIBUTES.get(tag)
                assert expected is None or attributes == expected
                assert not any(name.startswith("on") or name in ("style", "srcdoc") for name in attributes)
                assert tag != "a" or attributes["href"].startswith("/")


async def test_the_markup_of_a_mail_is_shown_in_a_frame_that_may_do_nothing():
    wire = ScriptedWire()
    async with running_app(wire, inbox=Inbox(VECTORS[0])) as (services, _):
        caller = Caller(build_app(services))
        html = await caller("GET", "/inbox/1/html")
        page = await caller("GET", "/inbox/1")
        docs = await caller("GET", "/docs")
    policy = directives(html)
    assert policy["sandbox"] == ""  # neither allow-scripts nor allow-same-origin
    assert policy["default-src"] == policy["form-action"] == policy["base-uri"] == "'none'"
    assert policy["img-src"] == "data:"
    assert policy["frame-ancestors"] == "'self'"
    assert not {"script-src", "connect-src", "font-src", "media-src", "frame-src", "child-src"} & set(policy)
    assert html.headers["x-dns-prefetch-control"] == "off"
    for shown in (page, docs):
        policy = directives(shown)
        assert policy["default-src"] == policy["form-action"] == policy["base-uri"] == "'none'"
        assert policy["frame-ancestors"] == "'none'"
        assert set(policy) == {"default-src", "style-src", "frame-src", "base-uri", "form-action", "frame-ancestors"}
        assert "unsafe" not in shown.headers["content-security-policy"]
        assert shown.headers["x-content-type-options"] == "nosniff"
        assert shown.headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("name", ["link", "LINK", "iFrame", "frame", "object", "embed", "portal"])
@pytest.mark.parametrize(
    "markup", ["<{} rel=preconnect href=x>", "<{}/src=x>", "<{}\nsrc=x>", "<{}>", "<b><{}\tdata=x/>"]
)
def test_no_element_of_a_mail_calls_its_host_ahead_of_the_policy(name, markup):
    """Chromium connects for these, and only then sees that it may not ask."""
    tags = [tag for tag, _ in Elements(framed_mail(markup.format(name)).body.decode()).found]
    assert f"x-{name.lower()}" in tags
    assert name.lower() not in tags


def directives(answer):
    pairs = (part.strip().partition(" ") for part in answer.headers["content-security-policy"].split(";"))
    return {name: value for name, _, value in pairs}


# --- a real browser --------------------------------------------------------------------------------------------------

QUIET = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync")
QUIET += ("--disable-background-networking", "--disable-component-update", "--disable-default-apps", "--no-pings")
QUIET += ("--disable-extensions", "--disable-domain-reliability", "--disable-client-side-phishing-detection")


def shown(url, folder):
    """The page as the browser has it two seconds (of its own clock) after it was loaded."""
    words = (program("chromium"), *QUIET, f"--user-data-dir={folder}", "--virtual-time-budget=2000", "--dump-dom", url)
    return subprocess.run(words, capture_output=True, text=True, check=True, timeout=100).stdout


@contextmanager
def dev(folder):
    """`everpost dev`; yields its port."""
    port, smtp = free_ports(2)
    words = ("dev", "--port", str(port), "--smtp-port", str(smtp), "--data", folder / "data")
    log = folder / "dev.log"
    with running((*EVERPOST, *words), log) as process:
        until(lambda: is_up(port, process, log))
        yield port


def is_up(port, process, log):
    assert process.poll() is None, log.read_text()
    try:
        return ask(port, "GET", "/readyz").status == 200
    except OSError:
        return False


def hostile_mail():
    """All vectors in its html, and as many as there is room for elsewhere."""
    some = [vector.replace("\n", " ") for vector in VECTORS if "\u2028" not in vector]
    return {
        "from": {"email": "ann@example.com", "name": some[0]},
        "to": [{"email": f"bob{n}@example.org", "name": vector[:300]} for n, vector in enumerate(some[:500])],
        "subject": some[-len(OTHERS)],
        "text": "\n".join(VECTORS),
        "html": "\n".join(vector + CLOSED for vector in reversed(VECTORS)),
        "headers": {f"X-{n}": vector for n, vector in enumerate(some[-90:])},
        "tags": [vector[:120] for vector in some[-10:]],
        "attachments": [
            {"filename": vector[:250], "content": "YQ=="} for vector in some[-len(OTHERS) : -len(OTHERS) + 90]
        ],
    }


def called(seen):
    return {contact for contact in seen if contact[1] not in (HOST, "::1")}


def pages_run_nothing(folder):
    with dev(folder) as port:
        sent = ask(port, "POST", "/v1/emails", hostile_mail(), [("Prefer", "wait=20")])
        assert sent.json.get("state") == "sent", sent.json
        caught = ask(port, "GET", "/v1/inbox").json["data"][0]["id"]
        paths = {"/inbox": "<body", f"/inbox/{caught}": "<iframe", f"/inbox/{caught}/html": "<body", "/docs": "<body"}
        paths[f"/#/inbox/{caught}"] = 'src="blob:'
        for path, holds in paths.items():
            with wiretap() as seen:
                page = shown(f"http://{HOST}:{port}{path}", folder / "profile")
            assert holds in page, path
            assert ("tcp", HOST, port) in seen
            assert not [contact for contact in called(seen) if contact[1] == SIGN], path


def the_browser_runs_what_it_may(folder):
    page = folder / "page.html"
    page.write_text(f"<title>x</title><script>{RUN}; document.title = 'ran'</script><img src=http://{SIGN}/i>")
    with wiretap() as seen:
        assert "<title>ran</title>" in shown(page.as_uri(), folder / "profile")
    assert ("tcp", SIGN, 80) in seen


@pytest.mark.slow
def test_a_browser_would_run_them(tmp_path):
    program("chromium")
    check_in_namespace(lambda: the_browser_runs_what_it_may(tmp_path))


@pytest.mark.slow
def test_in_a_browser_no_page_runs_or_loads_anything(tmp_path):
    program("chromium")
    check_in_namespace(lambda: pages_run_nothing(tmp_path))
