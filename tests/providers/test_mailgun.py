"""What is peculiar to Mailgun."""

from base64 import b64decode

from msgspec.structs import replace

from everpost.providers.mailgun.adapter import PROVIDER
from provider_cases import DRAFT, account_of, body_of, built


def test_the_login_is_the_user_api_with_the_key():
    scheme, _, login = built("mailgun", DRAFT).headers["Authorization"].partition(" ")
    assert (scheme, b64decode(login)) == ("Basic", b"api:key-1")


def test_the_key_that_may_read_asks_and_probes_and_never_sends():
    account = account_of("mailgun", {"lookup_api_key": "key-2"})
    probe = PROVIDER.probe(account)
    assert b64decode(probe.headers["Authorization"].partition(" ")[2]) == b"api:key-2"
    assert PROVIDER.build(DRAFT, "em_x.0", account) == built("mailgun", DRAFT, "em_x.0")


def test_a_text_that_guesses_at_the_boundary_stays_one_field():
    """The boundary of one delivery is known to whoever has seen it, and says nothing of the next one."""
    known = built("mailgun", DRAFT, "em_x.0").headers["Content-Type"].partition("boundary=")[2]
    text = f'\r\n--{known}\r\nContent-Disposition: form-data; name="bcc"\r\n\r\neve@example.net\r\n--{known}--\r\n'
    fields = [part for part in body_of(built("mailgun", replace(DRAFT, text=text))) if isinstance(part, list)]
    assert ["text", text] in fields
    assert [value for name, value in fields if name == "bcc"] == ['"Hidden" <hidden-7f3a@example.net>']
