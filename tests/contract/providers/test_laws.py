"""What holds for every provider, whatever the mail."""

import re
from email import message_from_bytes

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from drafts import drafts, emails, json_values
from everpost.model.message import Address, Attachment, Draft
from everpost.providers.contract import Form, HttpRequest, Lookup, SmtpProbe, SmtpRequest, Unsendable
from everpost.wiring import PROVIDERS
from provider_cases import (
    DRAFT,
    ID,
    NAMES,
    about,
    account_of,
    body_of,
    built,
    content_of,
    files_of,
    fitted,
    recipients_of,
    shown,
)

every = pytest.mark.parametrize("provider", NAMES)
few = settings(max_examples=40)  # whole mails take their time
OVER_HTTP = [name for name in NAMES if isinstance(built(name, fitted(name, DRAFT)), HttpRequest)]
ANOTHER_ID = "em_01jzzzzzzzzzzzzzzzzzzzzzzz.1"


# --- pure ------------------------------------------------------------------------------------------------------------


@every
@few
@given(draft=drafts())
def test_a_request_is_made_of_the_stored_mail_and_its_delivery_alone(provider, draft):
    """Whoever repeats an attempt has nothing else; and nobody finds a mail whose request does not name its delivery."""
    draft = fitted(provider, draft)
    stored = msgspec.json.encode(draft)
    request = built(provider, draft)
    assert msgspec.json.encode(draft) == stored
    assert built(provider, msgspec.json.decode(stored, type=Draft)) == request
    assert built(provider, draft, ANOTHER_ID) != request
    assert ID.encode() in content_of(provider, request)


def test_building_leaves_the_options_of_a_mail_as_they_were():
    options = {
        "sendgrid": {"headers": {"X-A": "1"}, "personalizations": [{"x": {"y": 1}}]},
        "mailgun": {"o:tag": ["a"]},
    }
    draft = replace(DRAFT, provider_options=options)
    before = msgspec.json.encode(draft)
    for provider in NAMES:
        built(provider, fitted(provider, draft))
    assert msgspec.json.encode(draft) == before


# --- the envelope ----------------------------------------------------------------------------------------------------


@every
@few
@given(draft=drafts(), again=st.data())
def test_whoever_is_named_is_named_once(provider, draft, again):
    """In any case of letters, wherever the second mention stands."""
    draft = fitted(provider, draft)
    mentioned = st.lists(st.sampled_from(draft.recipients), max_size=3)
    repeated = [Address(each.email.swapcase(), "Again") for each in again.draw(mentioned)]
    cc, bcc = again.draw(st.sampled_from([((), repeated), (repeated, ()), (repeated, repeated)]))
    request = built(provider, replace(draft, cc=(*draft.cc, *cc), bcc=(*draft.bcc, *bcc)))
    envelope = [email.lower() for email in recipients_of(provider, request)]
    assert sorted(envelope) == sorted({address.email.lower() for address in draft.recipients})


@every
@few
@given(draft=drafts())
def test_hidden_recipients_stand_in_the_envelope_alone(provider, draft):
    hidden = (Address("hidden-7f3a@secret.example", "Hidden Seven"), Address("hidden-8b2c@secret.example"))
    request = built(provider, replace(fitted(provider, draft), bcc=hidden))
    assert {address.email for address in hidden} <= set(recipients_of(provider, request))
    if isinstance(request, SmtpRequest):
        assert b"secret.example" not in request.data
        assert "Bcc" not in message_from_bytes(request.data)
    else:
        assert request.body.count(b"@secret.example") == len(hidden)
        assert "secret.example" not in repr(request.headers) + request.url


# --- content ---------------------------------------------------------------------------------------------------------


@every
def test_large_files_and_inline_images_arrive_whole(provider):
    large = bytes(range(256)) * 40_000  # 10 MB
    image = b"\x89PNG\r\n\x1a\n--everpost-\r\n.\r\n" * 50_000
    attachments = (
        Attachment(filename="large.bin", content_type="application/octet-stream", content=large),
        Attachment(filename="image.png", content_type="image/png", content=image, content_id="image-1"),
    )
    request = built(provider, fitted(provider, replace(DRAFT, attachments=attachments)))
    assert sorted(files_of(provider, request), key=len) == sorted([large, image], key=len)


# --- provider_options ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("provider", OVER_HTTP)
@given(options=st.dictionaries(st.from_regex(r"z[a-z:_-]{1,12}", fullmatch=True), json_values, max_size=4))
def test_provider_options_pass_untouched(provider, options):
    body = body_of(built(provider, fitted(provider, replace(DRAFT, provider_options={provider: options}))))
    if isinstance(body, dict):
        assert {name: body[name] for name in options} == options
    else:
        texts = [(name, text) for name, text in (part for part in body if isinstance(part, list)) if name in options]
        assert texts == [
            (name, each if isinstance(each, str) else msgspec.json.encode(each).decode())
            for name, value in options.items()
            for each in (value if isinstance(value, list) else [value])
        ]


@every
@few
@given(draft=drafts(), options=st.dictionaries(st.text(), json_values, max_size=3))
def test_options_of_another_provider_change_nothing(provider, draft, options):
    alone = replace(fitted(provider, draft), provider_options={})
    assert built(provider, replace(alone, provider_options={"another": options})) == built(provider, alone)


def test_smtp_has_no_options():
    refused = built("smtp", replace(DRAFT, provider_options={"smtp": {"x": 1}}))
    assert isinstance(refused, Unsendable)


# --- whatever comes --------------------------------------------------------------------------------------------------

ANY_ADDRESS = st.builds(Address, emails | st.text(), st.text())
ANY_NAME = st.sampled_from(
    [
        *("from", "to", "cc", "bcc", "subject", "headers", "personalizations", "custom_args", "everpost_id", "content"),
        *("categories", "attachments", "template_id", "text", "v:everpost_id", "h:Message-Id", "h:X-A", "o:tag"),
    ]
)
ANY_OPTION = st.recursive(
    json_values,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(ANY_NAME | st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@st.composite
def anything(draw):
    """A Draft of any content whatever, as no dialect would let it pass."""
    addresses = st.lists(ANY_ADDRESS, max_size=2).map(tuple)
    attachment = st.builds(
        Attachment, filename=st.text(), content_type=st.text(), content=st.binary(), content_id=st.none() | st.text()
    )
    return Draft(
        sender=draw(ANY_ADDRESS),
        to=draw(addresses),
        cc=draw(addresses),
        bcc=draw(addresses),
        reply_to=draw(addresses),
        subject=draw(st.text()),
        text=draw(st.none() | st.text()),
        html=draw(st.none() | st.text()),
        attachments=draw(st.lists(attachment, max_size=2).map(tuple)),
        headers=draw(st.dictionaries(st.text(), st.text(), max_size=2)),
        tags=draw(st.lists(st.text(), max_size=2).map(tuple)),
        metadata=draw(st.dictionaries(st.text(), st.text(), max_size=2)),
    )


@every
@given(draft=anything())
def test_any_mail_becomes_a_request_or_a_reason(provider, draft):
    assert_request_or_reason(provider, draft)


@every
@given(options=st.dictionaries(ANY_NAME | st.text(max_size=5), ANY_OPTION, max_size=3))
def test_any_options_become_a_request_or_a_reason(provider, options):
    """One mail's options may not stop the deliveries of all others."""
    draft = fitted(provider, replace(DRAFT, provider_options={provider: options}))
    assert_request_or_reason(provider, draft)
    request = built(provider, draft)
    if isinstance(request, HttpRequest):
        assert {email.lower() for email in recipients_of(provider, request)} == {
            address.email for address in DRAFT.recipients
        }
        assert ID.encode() in content_of(provider, request)


def assert_request_or_reason(provider, draft):
    """The same reason as was told before the mail was accepted: what is let in can be built."""
    request, fault = built(provider, draft), PROVIDERS[provider].fault(draft)
    if isinstance(request, Unsendable):
        assert request.reason == fault
        assert fault.strip()
    else:
        assert fault is None
        assert isinstance(request, HttpRequest | SmtpRequest)


# --- the value itself ------------------------------------------------------------------------------------------------


@every
def test_a_provider_describes_itself(provider):
    value = PROVIDERS[provider]
    assert value.name == provider
    assert value.title
    assert value.docs.startswith("https://")
    assert value.limits.recipients_max > 0
    assert value.limits.content_bytes_max > 0
    names = [setting.name for setting in value.settings]
    assert len(names) == len(set(names))
    for setting in value.settings:
        assert setting.help
        assert setting.secret == bool(re.search("key|password|token|secret", setting.name))
        assert setting.default is None or not setting.choices or setting.default in setting.choices
        assert isinstance(setting.form, Form)
    for row in value.rows:
        assert re.compile(row.text)
    if isinstance(value.resolve, Lookup):
        assert value.resolve.lag_s > 0


@every
def test_a_probe_is_a_question_that_sends_nothing(provider):
    """A GET without a body, or what about.json says of it."""
    probe = PROVIDERS[provider].probe
    if probe is not None:
        request = probe(account_of(provider))
        if not isinstance(request, SmtpProbe):
            told = {name: value for name, value in shown(request).items() if name != "headers"}
            assert told == about(provider).get("probe", {"method": "GET", "url": request.url})


@every
def test_a_secret_stands_where_it_belongs_and_nowhere_else(provider):
    request = built(provider, fitted(provider, DRAFT))
    secrets = [setting.name for setting in PROVIDERS[provider].settings if setting.secret]
    for name in secrets:
        value = account_of(provider).settings.get(name)
        if value is not None and isinstance(request, HttpRequest):
            assert value not in request.url
            assert request.body.count(value.encode()) == (about(provider).get("key_in_body") == name)
        elif value is not None:
            assert value.encode() not in request.data
