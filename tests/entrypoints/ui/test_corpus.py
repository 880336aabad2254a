"""The corpus of markup in every field that others fill: the page shows it as text, and nothing runs or calls."""

import http.client
import json
from itertools import batched, cycle, islice
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from attacks.markup import CORPUS, lines
from everpost.model.limits import ATTACHMENTS_MAX, FILENAME_CHARS_MAX, NAME_CHARS_MAX, TAG_CHARS_MAX
from page_kit import FOLDER, tab
from page_views import VIEWS, Api

pytestmark = pytest.mark.slow
MAILS = 1000  # each with a vector of its own in every field of one line
CLOSED = "--></textarea></style></script></title></xmp></noscript></iframe></svg></math></select></table>"
TEXTS = "[...document.querySelectorAll('{}')].map((one) => one.textContent)"
IN_A_LIST = {"inbox", "events"}  # beside the mails themselves
OF_A_MAIL = {"message", "caught"}


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
    some = list(islice(cycle(lines(900)), MAILS))
    full = [post(connection, full_mail(each)) for each in batched(lines(NAME_CHARS_MAX)[:MAILS], ATTACHMENTS_MAX)]
    for vector in some:
        post(connection, bare_mail(vector))
    connection.close()
    return some, full


def nothing_happened(watched):
    assert watched.foreign == watched.broken == watched.stopped == []
    assert watched.origins == {watched.base}


def test_a_thousand_subjects_and_names_in_the_list_are_text(watched, stored):
    subjects, _ = stored
    seen = set()
    page = watched.goto("messages")
    while not seen.issuperset(subject.strip() for subject in subjects):
        expect(page.locator(".rows > li").first).to_be_visible()
        shown = {text.strip() for text in page.evaluate(TEXTS.format(".row-subject"))}
        assert shown - seen, "the list ends before all of them were seen"
        seen |= shown
        nothing_happened(watched)
        older = page.get_by_role("link", name="Older")
        if older.count():
            address = older.get_attribute("href")
            page.goto(f"{watched.base}/{address}")
            expect(page.locator(f"a[href='{address}']")).to_have_count(0)


def test_as_much_markup_as_a_mail_can_hold_is_text_in_it(watched, stored):
    _, full = stored
    for id_ in full:
        page = watched.goto(f"messages/{id_}")
        expect(page.locator(".people li")).to_have_count(ATTACHMENTS_MAX)
        everything_opened(page)
        nothing_happened(watched)
