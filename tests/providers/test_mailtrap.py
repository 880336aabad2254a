"""What is peculiar to Mailtrap."""

from random import Random

from msgspec.structs import replace

from everpost.model.message import Attachment
from everpost.providers.contract import Absent, Ask, Found, Sought
from everpost.providers.mailtrap.adapter import PROVIDER
from everpost.sandbox.api import Conduct
from everpost.sandbox.inbox import Inbox
from everpost.sandbox.mailtrap.api import PAGE, Mailtrap
from provider_cases import DRAFT, ID, STARTED_AT, account_of, answered, built, fitted

MAIL = fitted("mailtrap", DRAFT)


def test_a_mail_is_found_behind_a_page_of_others():
    server = Mailtrap(Inbox(lambda: STARTED_AT + 1.0), Conduct(), lambda: STARTED_AT + 2.0, Random(1))
    ours = answered(server, built("mailtrap", MAIL))
    for number in range(PAGE):
        answered(server, built("mailtrap", MAIL, f"em_other.{number}"))
    sought = Sought(delivery_id=ID, message=MAIL, account=account_of("mailtrap"), started_at=STARTED_AT)
    first = PROVIDER.resolve.read(sought, answered(server, PROVIDER.resolve.start(sought)))
    assert isinstance(first, Ask)
    last = answered(server, *first.requests)
    outcome = PROVIDER.read(ours, sought.account)
    assert PROVIDER.resolve.read(sought, last) == Found(outcome.provider_message_id)
    assert isinstance(PROVIDER.resolve.read(replace(sought, delivery_id="em_x.0"), last), Absent)


def test_the_logs_are_asked_for_at_their_own_host_and_in_a_sandbox_at_that():
    def asked(**settings):
        account = account_of("mailtrap", settings)
        sought = Sought(delivery_id=ID, message=MAIL, account=account, started_at=STARTED_AT)
        requests = (PROVIDER.build(MAIL, ID, account), PROVIDER.resolve.start(sought), PROVIDER.probe(account))
        return [request.url.partition("/api/")[0] for request in requests]

    assert asked(stream="bulk") == ["https://bulk.api.mailtrap.io", "https://mailtrap.io", "https://mailtrap.io"]
    assert asked(base_url="http://127.0.0.1:8031") == ["http://127.0.0.1:8031"] * 3


def test_the_largest_mail_fits_into_what_it_takes():
    """10 MB in base64."""
    large = Attachment(filename="a", content_type="a/b", content=bytes(PROVIDER.limits.content_bytes_max))
    assert len(built("mailtrap", replace(MAIL, attachments=(large,))).body) < 10_000_000
