"""What is peculiar to Resend: the same request again is no second mail."""

from random import Random

from msgspec.structs import replace

from everpost.model.message import Attachment
from everpost.model.outcome import Kind
from everpost.providers.contract import Replay
from everpost.providers.resend import adapter as resend
from everpost.sandbox.api import Conduct
from everpost.sandbox.inbox import Inbox
from everpost.sandbox.resend.api import KEPT_S, Resend
from provider_cases import DRAFT, ID, account_of, answered, built


class Server:
    """The sandbox's Resend, at a time of the test's own."""

    def __init__(self):
        self.now = 0.0
        self.inbox = Inbox(lambda: self.now)
        self._api = Resend(self.inbox, Conduct(), lambda: self.now, Random(1))

    def send(self, request):
        return resend.PROVIDER.read(answered(self._api, request), account_of("resend"))


def test_the_same_request_again_is_answered_as_the_first_one_and_no_second_mail_is_sent():
    server = Server()
    first, again = server.send(built("resend", DRAFT)), server.send(built("resend", DRAFT))
    assert first == again
    assert first.kind is Kind.ACCEPTED
    assert server.inbox.taken[ID] == 1


def test_another_mail_with_the_same_key_is_neither_sent_nor_taken_for_a_refusal():
    server = Server()
    server.send(built("resend", DRAFT))
    assert server.send(built("resend", replace(DRAFT, subject="Another"))).kind is Kind.UNKNOWN
    assert server.inbox.taken[ID] == 1


def test_it_is_asked_again_for_no_longer_than_it_knows_a_key():
    assert isinstance(resend.PROVIDER.resolve, Replay)
    assert resend.PROVIDER.resolve.kept_s < KEPT_S
    server = Server()
    server.send(built("resend", DRAFT))
    server.now = resend.PROVIDER.resolve.kept_s
    server.send(built("resend", DRAFT))
    assert server.inbox.taken[ID] == 1


def test_a_file_whose_type_and_name_differ_arrives():
    """Resend drops such a mail in silence, so its type is left to its name."""
    server = Server()
    odd = Attachment(filename="report.pdf", content_type="text/plain", content=b"a")
    server.send(built("resend", replace(DRAFT, attachments=(odd,))))
    [caught] = server.inbox.list()
    assert [(each.filename, each.content) for each in caught.draft.attachments] == [("report.pdf", b"a")]
