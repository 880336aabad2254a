"""What is peculiar to Mailjet."""

from base64 import b64decode

from msgspec.structs import replace

from everpost.model.message import Attachment
from everpost.model.outcome import Kind
from everpost.providers.contract import Found, HttpResponse, outcome_of
from everpost.providers.mailjet.adapter import PROVIDER
from provider_cases import DRAFT, ID, account_of, built, fitted, sought_of


def test_the_login_is_the_key_with_its_secret():
    scheme, _, login = built("mailjet", fitted("mailjet", DRAFT)).headers["Authorization"].partition(" ")
    assert (scheme, b64decode(login)) == ("Basic", b"key-1:secret-1")


def test_an_id_that_a_double_cannot_hold_arrives_whole():
    """The next number that a double can hold is another mail's."""
    number = (1 << 60) + 1
    assert float(number) == float(1 << 60)
    to = f'[{{"Email": "bob@example.org", "MessageID": {number}}}]'
    taken = f'{{"Messages": [{{"Status": "success", "To": {to}}}]}}'
    outcome = outcome_of(PROVIDER, HttpResponse(status=200, headers={}, body=taken.encode()), account_of("mailjet"))
    assert (outcome.kind, outcome.provider_message_id) == (Kind.ACCEPTED, str(number))
    shown = f'{{"Data": [{{"ID": {number}, "CustomID": "{ID}"}}]}}'
    answer = HttpResponse(status=200, headers={}, body=shown.encode())
    assert PROVIDER.resolve.read(sought_of({}, "mailjet"), answer) == Found(str(number))


def test_the_largest_mail_fits_into_what_it_takes():
    """15 MB of attachments, in base64."""
    large = Attachment(filename="a", content_type="a/b", content=bytes(PROVIDER.limits.content_bytes_max))
    request = built("mailjet", fitted("mailjet", replace(DRAFT, attachments=(large,))))
    assert len(request.body) < 15_000_000
