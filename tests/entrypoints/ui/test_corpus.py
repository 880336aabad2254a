"""The corpus of markup in every field that others fill: the page shows it as text, and nothing runs or calls."""

import http.client
import json
from functools import partial
from itertools import cycle, islice
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from attacks.house import until
from attacks.markup import lines
from everpost.model.limits import ATTACHMENTS_MAX, FILENAME_CHARS_MAX, NAME_CHARS_MAX, TAG_CHARS_MAX
from page_kit import FOLDER, tab
from page_views import VIEWS, Api

pytestmark = pytest.mark.slow
MAILS = 1000  # each with a vector of its own in every field of one line
CLOSED = "--></textarea></style></script></title></xmp></noscript></iframe></svg></math></select></table>"
GATHER = """window.subjects = new Set();
new MutationObserver(() => document.querySelectorAll(".row-subject").forEach((one) => subjects.add(one.textContent)))
  .observe(document.body, { subtree: true, childList: true, characterData: true });"""
CHOICES = "main :is(.choice input, [role=tab]) >> visible=true"
CLOSED_PARTS = "main details:not([open]) > summary >> visible=true"
DRAWN = "() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))"
BOTTOM = "scrollY + innerHeight >= document.body.scrollHeight - 1"
ALL = "document.querySelector('.foot').textContent.startsWith('These are all')"
AT_THE_END = f"{BOTTOM} && {ALL}"
MORE_BELOW = f"!({BOTTOM}) || {ALL}"  # the next mails are read
LISTS = [view for view in VIEWS if not view.of]
FOOLED = """
export function nodes(children) {
  return children.flat(Infinity).filter(Boolean).flatMap((child) => {
    if (child instanceof Node) return [child];
    const template = document.createElement("template");
    template.innerHTML = child;
    return [...template.content.childNodes];
  });
}
function nodesOfText("""
"""What dom.js would be if it took texts for markup."""


def bare_mail(vector):
    return {
        "from": {"email": "ann@example.com", "name": vector[:NAME_CHARS_MAX]},
        "to": [{"email": "bob@example.org", "name": vector[:NAME_CHARS_MAX]}],
        "subject": vector[:900],
        "html": vector,
        "headers": {"X-Note": vector[:900]},
        "tags": [vector[:TAG_CHARS_MAX]],
        "metadata": {"note": vector},
        "attachments": [{"filename": vector[:FILENAME_CHARS_MAX], "content": "YQ=="}],
    }


def full_mail(vectors):
    """A hundred vectors in each field that has room for so many."""
    return {
        "from": {"email": "ann@example.com", "name": vectors[0]},
        "to": [{"email": f"bob{at}@example.org", "name": vector} for at, vector in enumerate(vectors)],
        "subject": vectors[-1],
        "html": "\n".join(vector + CLOSED for vector in vectors),
        "headers": {f"X-Note-{at}": vector for at, vector in enumerate(vectors[:90])},
        "tags": [vector[:TAG_CHARS_MAX] for vector in vectors[:10]],
        "metadata": {f"note{at}": vector[:100] for at, vector in enumerate(vectors[:40])},
        "attachments": [{"filename": vector[:FILENAME_CHARS_MAX], "content": "YQ=="} for vector in vectors],
    }


def post(connection, mail):
    connection.request("POST", "/v1/emails", json.dumps(mail), {"Content-Type": "application/json"})
    answer = connection.getresponse()
    told = json.loads(answer.read())
    assert answer.status == 202, told
    return told["id"]


@pytest.fixture(scope="module")
def stored(dev_address):
    """The subjects of a thousand mails, and the ids of a few that hold as much as a mail can."""
    connection = http.client.HTTPConnection(urlsplit(dev_address).netloc)
    some, names = list(islice(cycle(lines(900)), MAILS)), lines(NAME_CHARS_MAX)[-MAILS:]
    for vector in some:
        post(connection, bare_mail(vector))
    parts = [names[at : at + ATTACHMENTS_MAX] for at in range(0, MAILS, ATTACHMENTS_MAX)]
    full = [post(connection, full_mail(part)) for part in parts]
    connection.close()
    return some, full


def what_happened(watched):
    """Elements of others, dialogs and faults, what the policy has stopped, calls to elsewhere."""
    watched.page.evaluate(DRAWN)
    return [*watched.foreign, *watched.broken, *watched.stopped, *(watched.origins - {watched.base})]


def everything_opened(page):
    closed = page.locator(CLOSED_PARTS)
    while closed.count():
        closed.first.click()
    for choice in page.locator(CHOICES).all():
        choice.click()
        page.evaluate(DRAWN)


def test_a_thousand_subjects_in_the_list_of_mails_are_text(watched, stored):
    expected = {" ".join(subject.split()) for subject in stored[0]}
    page = watched.page
    page.add_init_script(f"document.addEventListener('DOMContentLoaded', () => {{ {GATHER} }})")
    watched.goto("messages")
    expect(page.locator(".row-subject").first).to_be_visible()
    while not page.evaluate(AT_THE_END):
        assert watched.foreign == []
        watched.until(MORE_BELOW)
        page.evaluate("scrollBy(0, 500)")
        page.evaluate(DRAWN)
    seen = {" ".join(text.split()) for text in page.evaluate("[...subjects]")}
    assert expected - seen == set()
    assert what_happened(watched) == []


def test_as_much_markup_as_a_mail_can_hold_is_text_in_it(watched, stored):
    _, full = stored
    for id_ in full:
        page = watched.goto(f"messages/{id_}")
        expect(page.locator(".people li")).to_have_count(ATTACHMENTS_MAX)
        everything_opened(page)
        assert what_happened(watched) == []


def test_it_is_text_in_what_the_sandbox_has_caught(watched, stored, dev_address):
    api, (_, full) = Api(dev_address), stored
    if not any(view.name == "caught" for view in VIEWS):
        pytest.skip("no view shows what was caught")

    def caught():
        return [
            one["id"]
            for one in api.ask("GET", "/v1/inbox?limit=200")["data"]
            if one["delivery_id"].split(".")[0] in full
        ]

    until(lambda: len(caught()) == len(full))
    for id_ in caught():
        page = watched.goto(f"inbox/{id_}")
        watched.settled()
        everything_opened(page)
        assert what_happened(watched) == []


@pytest.mark.parametrize("view", LISTS, ids=lambda view: view.name)
def test_no_view_takes_it_for_anything_else(watched, stored, view):
    page = watched.goto(view.name)
    watched.settled()
    everything_opened(page)
    assert what_happened(watched) == []


def give(script, route):
    route.fulfill(content_type="text/javascript", body=script)


def test_a_page_that_took_text_for_markup_would_be_seen(browser, dev_address, stored):
    """Its policy stops it; and without a policy, the elements of others are found."""
    real = (FOLDER / "page" / "dom.js").read_text()
    fooled = real.replace("export function nodes(", FOOLED)
    assert fooled != real
    for is_open in (False, True):
        with tab(browser, dev_address, bypass_csp=is_open) as watched:
            watched.page.route("**/page/dom.js", partial(give, fooled))
            page = watched.goto("messages")
            if is_open:
                expect(page.locator(".row-subject").first).to_be_visible()
                assert watched.foreign
            else:
                until(lambda watched=watched: watched.stopped)
