"""What is peculiar to Mandrill."""

import json
from random import Random

from msgspec.structs import replace

from everpost.model.message import Attachment
from everpost.model.outcome import Kind
from everpost.providers.contract import HttpResponse, Unclear, outcome_of, secrets_of
from everpost.providers.mandrill.adapter import PROVIDER, SEARCHED_MAX
from everpost.sandbox.api import Conduct
from everpost.sandbox.inbox import Inbox
from everpost.sandbox.mandrill.api import Mandrill
from provider_cases import DRAFT, ID, STARTED_AT, account_of, answered, built, sought_of

EMAILS = [address.email for address in DRAFT.recipients]


def sent(conduct):
    """What a mail becomes at a stand-in of this conduct, and what that has caught."""
    inbox = Inbox(lambda: STARTED_AT)
    server = Mandrill(inbox, conduct, lambda: STARTED_AT, Random(1))
    return outcome_of(PROVIDER, answered(server, built("mandrill", DRAFT)), account_of("mandrill")), inbox.list()


def test_a_mail_that_is_refused_for_the_first_recipient_only_bears_the_id_of_the_second():
    outcome, (caught,) = sent(Conduct(inactive_recipients=frozenset(EMAILS[:1])))
    assert (outcome.kind, outcome.text) == (Kind.ACCEPTED, "1 of 3 refused: rejected: hard-bounce")
    assert caught.provider_message_id[-2:] == "00"
    assert outcome.provider_message_id == caught.provider_message_id[:-1] + "1"


def test_a_mail_that_is_refused_for_all_was_not_taken_though_the_answer_is_200():
    outcome, caught = sent(Conduct(inactive_recipients=frozenset(EMAILS)))
    assert (outcome.status, outcome.kind, outcome.account_fault) == (200, Kind.REFUSED, False)
    assert caught == []


def test_the_key_in_the_body_is_known_as_a_secret():
    """So that no echo of it reaches the audit trail."""
    assert "md-key" in secrets_of(built("mandrill", DRAFT))


def test_a_list_as_long_as_the_limit_may_have_been_cut():
    shown = [{"_id": str(number), "metadata": {}} for number in range(SEARCHED_MAX)]
    answer = HttpResponse(status=200, headers={}, body=json.dumps(shown).encode())
    assert isinstance(PROVIDER.resolve.read(sought_of({}, "mandrill", ID), answer), Unclear)


def test_the_largest_mail_fits_into_what_it_takes():
    """25 MB in base64."""
    large = Attachment(filename="a", content_type="a/b", content=bytes(PROVIDER.limits.content_bytes_max))
    assert len(built("mandrill", replace(DRAFT, attachments=(large,))).body) < 25_000_000
