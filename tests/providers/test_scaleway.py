"""What is peculiar to Scaleway."""

from random import Random

from msgspec.structs import replace

from everpost.model.message import Address, Attachment
from everpost.providers.contract import Absent, Sought, Unclear, secrets_of
from everpost.providers.scaleway.adapter import PROVIDER
from everpost.sandbox.api import Conduct
from everpost.sandbox.inbox import Inbox
from everpost.sandbox.scaleway.api import Scaleway
from provider_cases import DRAFT, ID, STARTED_AT, account_of, answered, built, fitted

MAIL = fitted("scaleway", DRAFT)


def asked(server, mail):
    sought = Sought(delivery_id=ID, message=mail, account=account_of("scaleway"), started_at=STARTED_AT)
    return PROVIDER.resolve.read(sought, answered(server, PROVIDER.resolve.start(sought)))


def test_its_list_proves_that_a_mail_is_not_there_and_never_that_it_is():
    """A mail to the same person may be another delivery's, be its subject the same or not."""
    server = Scaleway(Inbox(lambda: STARTED_AT + 1.0), Conduct(), lambda: STARTED_AT + 2.0, Random(1))
    assert asked(server, MAIL) == Absent()
    answered(server, built("scaleway", MAIL))
    assert isinstance(asked(server, MAIL), Unclear)
    assert isinstance(asked(server, replace(MAIL, subject="Another")), Unclear)
    assert asked(server, replace(MAIL, to=(Address("zoe@example.org"),))) == Absent()


def test_the_key_in_a_header_of_its_own_is_known_as_a_secret():
    """So that no echo of it reaches the audit trail."""
    request = built("scaleway", MAIL)
    assert request.headers["X-Auth-Token"] == "scw-key"
    assert "scw-key" in secrets_of(request)


def test_the_largest_mail_fits_into_what_it_takes():
    """2 MB in base64."""
    large = Attachment(filename="a", content_type="a/b", content=bytes(PROVIDER.limits.content_bytes_max))
    assert len(built("scaleway", replace(MAIL, attachments=(large,))).body) < 2_000_000
