"""How the providers' own events are told from forged ones, and read: by facts of ours in the fixtures, and by samples
where a folder of them is named."""

import json
import math
import os
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from everpost.model.sighting import Sighting, SightingKind, Unreadable
from everpost.providers.hooks import AHEAD_S_MAX, Forged, Genuine, Lacks, secrets_of
from everpost.wiring import PROVIDERS
from hook_values import (
    DOCUMENTS,
    EVENTS,
    OTHER_SECRETS,
    REQUESTS,
    SECRETS,
    SENDERS,
    account,
    mailgun_event,
    mailgun_request,
    request,
    sendgrid_event,
    sendgrid_request,
)
from provider_cases import FIXTURES
from store_values import NOW

PROVIDERS_HERE = sorted(SECRETS)
NATIVES = {
    name: sorted({case["event"].get("event", "") for case in json.loads((FIXTURES / name / "events.json").read_text())})
    for name in PROVIDERS_HERE
}
CASES = [(name, case) for name in PROVIDERS_HERE for case in json.loads((FIXTURES / name / "events.json").read_text())]


def webhook(name):
    found = PROVIDERS[name].webhook
    assert found is not None
    return found


def verified(name, asked, **settings):
    """With the documents that it takes, as they lie at their addresses."""
    of, documents = account(name, **settings), {}
    while isinstance(found := webhook(name).verify(replace(asked, documents=documents), of, secrets(name, of)), Lacks):
        documents[found.url] = DOCUMENTS[name][found.url]
    return found


def secrets(name, of):
    return secrets_of(of, webhook(name).setting)


def told(sighting):
    """What is not said of it is left out."""
    assert isinstance(sighting, Sighting), sighting
    plain = {name: getattr(sighting, name) for name in sighting.__struct_fields__ if name not in ("raw", "native")}
    return {name: value for name, value in plain.items() if value not in (None, "", False)}


@pytest.mark.parametrize(("name", "case"), CASES, ids=[f"{name}: {case['about']}" for name, case in CASES])
def test_an_event_is_read_as_the_fixture_says(name, case):
    event = EVENTS[name](**case["event"])
    (sighting,) = webhook(name).read(REQUESTS[name](event).body)
    usual = {"at", "recipient", "delivery_id", "provider_message_id", "event_id"}
    assert {key: value for key, value in told(sighting).items() if key not in usual} == case["told"]


def test_what_names_the_mail_and_the_event_is_found_where_the_provider_puts_it():
    (one,) = webhook("sendgrid").read(sendgrid_request([sendgrid_event()]).body)
    assert (one.event_id, one.at, one.recipient) == ("sg-delivered", NOW, "bob@example.org")
    assert one.provider_message_id == "abcdef"
    (one,) = webhook("mailgun").read(mailgun_request(mailgun_event()).body)
    assert (one.event_id, one.at, one.recipient) == ("2027-01-15:mg-delivered", NOW + 0.5, "bob@example.org")
    assert one.provider_message_id == "4711@mg.example.com"
    assert json.loads(one.raw) == mailgun_event()


def test_our_id_is_read_from_the_message_id_where_there_are_no_variables():
    (plain,) = webhook("mailgun").read(mailgun_request(mailgun_event()).body)
    headers = {"message-id": f"<{plain.delivery_id}@example.com>"}
    event = mailgun_event(message={"headers": headers}, **{"user-variables": {}})
    (one,) = webhook("mailgun").read(mailgun_request(event).body)
    assert one.delivery_id == plain.delivery_id


@pytest.mark.parametrize("name", PROVIDERS_HERE)
class TestGenuineness:
    def test_a_signed_event_is_genuine(self, name):
        assert isinstance(verified(name, REQUESTS[name](EVENTS[name]())), Genuine)

    def test_any_of_several_secrets_will_do_while_one_is_replaced(self, name):
        both = f"{OTHER_SECRETS[name]}, {SECRETS[name]}"
        assert isinstance(verified(name, REQUESTS[name](EVENTS[name]()), secret=both), Genuine)

    def test_another_secret_proves_nothing(self, name):
        forged = verified(name, REQUESTS[name](EVENTS[name]()), secret=OTHER_SECRETS[name])
        assert isinstance(forged, Forged)
        assert "signature is wrong" in forged.reason or "its topic is not among" in forged.reason

    def test_without_a_secret_nothing_is_genuine(self, name):
        of = account(name, secret=" , ")
        assert secrets(name, of) == ()
        assert isinstance(webhook(name).verify(REQUESTS[name](EVENTS[name]()), of, ()), Forged)

    def test_a_signature_is_good_for_as_long_as_the_provider_repeats_itself(self, name):
        asked = REQUESTS[name](EVENTS[name]())
        window_s = webhook(name).window_s
        ahead_s = min(AHEAD_S_MAX, window_s)
        for later, kind in ((window_s, Genuine), (-ahead_s, Genuine), (window_s + 1, Forged), (-ahead_s - 1, Forged)):
            is_dated = math.isfinite(window_s)  # or it says nothing of when it was made
            found = verified(name, replace(asked, received_at=NOW + (later if is_dated else 0)))
            assert isinstance(found, kind if is_dated else Genuine), later

    def test_what_is_not_signed_is_forged(self, name):
        forged = verified(name, request(json.dumps([EVENTS[name]()]).encode(), {}))
        assert isinstance(forged, Forged)
        assert "not signed" in forged.reason


def test_every_flipped_bit_of_a_signed_body_is_noticed():
    asked = sendgrid_request([sendgrid_event()])
    for place in range(len(asked.body)):
        flipped = bytearray(asked.body)
        flipped[place] ^= 1 << place % 8
        assert isinstance(verified("sendgrid", replace(asked, body=bytes(flipped))), Forged), place


@pytest.mark.parametrize("name", ["signature", "timestamp"])
def test_every_flipped_bit_of_what_signs_a_body_is_noticed(name):
    asked = sendgrid_request([sendgrid_event()])
    header = f"x-twilio-email-event-webhook-{name}"
    value = asked.headers[header]
    for place in range(len(value)):
        for bit in range(7):
            flipped = value[:place] + chr(ord(value[place]) ^ 1 << bit) + value[place + 1 :]
            forged = verified("sendgrid", replace(asked, headers={**asked.headers, header: flipped}))
            assert isinstance(forged, Forged), flipped


@pytest.mark.parametrize("name", ["signature", "timestamp", "token"])
def test_every_flipped_bit_of_a_signature_in_the_body_is_noticed(name):
    asked = mailgun_request(mailgun_event())
    whole = json.loads(asked.body)
    value = whole["signature"][name]
    for place in range(len(value)):
        for bit in range(7):
            flipped = value[:place] + chr(ord(value[place]) ^ 1 << bit) + value[place + 1 :]
            body = json.dumps(whole | {"signature": whole["signature"] | {name: flipped}}).encode()
            assert isinstance(verified("mailgun", replace(asked, body=body)), Forged), flipped


def test_a_signature_in_the_body_is_told_to_be_good_for_one_event():
    assert verified("mailgun", mailgun_request(mailgun_event(), token="t1")) == Genuine(once="t1")


def test_a_subaccounts_event_may_be_signed_by_the_parents_key():
    parent = mailgun_request(mailgun_event(), key="parents-key")
    signature = json.loads(parent.body)["signature"]["signature"]
    asked = mailgun_request(mailgun_event(), key="unknown", **{"parent-signature": signature})
    assert isinstance(verified("mailgun", asked, webhook_secret="parents-key"), Genuine)


@pytest.mark.parametrize("secret", ["no base64!", "AAAA", "MIIB", "mailgun-signing-key"])
def test_what_is_no_public_key_is_told_as_the_fault_it_is(secret):
    forged = verified("sendgrid", sendgrid_request([sendgrid_event()]), webhook_secret=secret)
    assert forged == Forged("webhook_secret is not the verification key of SendGrid")


def test_one_bad_event_does_not_take_the_others_with_it():
    body = sendgrid_request([sendgrid_event(), {"email": "x"}, 7, None, sendgrid_event("open")]).body
    read = webhook("sendgrid").read(body)
    assert [type(one) for one in read] == [Sighting, Unreadable, Unreadable, Unreadable, Sighting]
    assert read[1].raw == b'{"email": "x"}'


def test_an_unknown_event_is_kept_by_its_name():
    for name, make in EVENTS.items():
        (one,) = webhook(name).read(REQUESTS[name](make("teleported")).body)
        assert (one.kind, one.native) == (SightingKind.UNKNOWN, "teleported")


@pytest.mark.parametrize("name", PROVIDERS_HERE)
@pytest.mark.parametrize(
    "body", [b"", b"{", b"null", b"[]x", b'"text"', b"\xff\xfe", b"[" * 50_000, b'{"event-data":7}']
)
def test_a_body_without_sense_is_unreadable_and_breaks_nothing(name, body):
    assert all(isinstance(one, Unreadable) for one in webhook(name).read(body))


def test_more_events_than_a_provider_sends_at_once_are_cut_off():
    read = webhook("sendgrid").read(json.dumps([sendgrid_event()] * 10_002).encode())
    assert len(read) == 10_001
    assert isinstance(read[-1], Unreadable)
    assert "2 events beyond" in read[-1].reason


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize("name", PROVIDERS_HERE)
@given(data=st.data())
def test_fields_of_any_type_break_no_reader(name, data):
    event = EVENTS[name](data.draw(st.sampled_from(NATIVES[name])))
    for key in data.draw(
        st.sets(st.sampled_from([*event, "reason", "status", "severity", "delivery-status", "flags"]))
    ):
        event[key] = data.draw(anything)
    for one in webhook(name).read(REQUESTS[name](event).body):
        assert isinstance(one, Sighting | Unreadable)


# --- samples ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def samples():
    """A folder of payloads with what each of them means; no part of this repository."""
    folder = os.environ.get("EVERPOST_WEBHOOK_SAMPLES")
    if not folder:
        pytest.skip("EVERPOST_WEBHOOK_SAMPLES names no folder of samples")
    return Path(folder)


def test_the_samples_are_read_as_they_say(samples):
    expected = json.loads((samples / "expected.json").read_text())
    ours = [name for name in expected if name.partition("/")[0] in PROVIDERS_HERE]
    assert len(ours) == 95
    for name in ours:
        provider = name.partition("/")[0]
        read = webhook(provider).read(_as_posted(provider, (samples / name).read_bytes()))
        assert [_as_told(provider, one) for one in read] == [_wanted(one) for one in expected[name]], name


def _wanted(expected):
    """That it is the first of its kind is not kept. A digest of a mail is what we take for a digest of the event."""
    left = {key: value for key, value in expected.items() if key != "first"}
    return left | ({"dedupe_key": "mandrill:None"} if left["dedupe_key"] == "mandrill:sha256(raw_msg)" else {})


def _as_posted(provider, sample):
    return urlencode({"mandrill_events": sample.decode()}).encode() if provider == "mandrill" else sample


def _as_told(provider, one):
    message_id = one.provider_message_id
    shown = {
        "native": one.native,
        "type": one.kind.value,
        "bounce": one.bounce,
        "reason": one.reason,
        "recipient": one.recipient,
        "provider_message_id": f"<{message_id}>" if provider == "mailgun" else message_id,
        "our_id": one.delivery_id,
        "occurred_at": datetime.fromtimestamp(int(one.at), UTC).isoformat().replace("+00:00", "Z"),
        "smtp_code": one.smtp_code,
        "enhanced_status": one.enhanced_status,
        "machine": one.machine,
        "scope": one.scope,
        "late": one.late or None,
        "dedupe_key": f"{provider}:{one.event_id}",
    }
    return {key: value for key, value in shown.items() if value is not None}


def test_the_signed_samples_are_genuine(samples):
    vectors = [one for one in json.loads((samples / "vectors.json").read_text()) if one["provider"] in PROVIDERS_HERE]
    assert len(vectors) == 18
    for one in vectors:
        asked, how = VECTORS.get(one["scheme"], _plain_vector)(samples, one)
        documents = {url: (samples / file).read_bytes() for url, file in how.pop("documents", {}).items()}
        of = account(one["provider"], **how)
        found = webhook(one["provider"]).verify(replace(asked, documents=documents), of, secrets(one["provider"], of))
        assert isinstance(found, Genuine), (one["name"], found)


def _plain_vector(samples, one):
    body = (samples / one["body_file"]).read_bytes() if "body_file" in one else one["body"].encode()
    headers = {name.lower(): value for name, value in one.get("headers", {}).items()}
    signed_at = headers.get("x-twilio-email-event-webhook-timestamp")
    signed_at = signed_at or json.loads(body).get("signature", {}).get("timestamp", NOW)
    return replace(request(body, headers), received_at=float(signed_at)), {
        "secret": one.get("public_key") or one["secret"]
    }


def _form_vector(_, one):
    headers = {name.lower(): value for name, value in one["headers"].items()}
    asked = request(urlencode(one["form"], quote_via=quote).encode(), headers)
    return asked, {"secret": one["secret"], "webhook_url": one["url"]}


def _envelope_vector(samples, one):
    body = (
        (samples / one["message_file"]).read_bytes() if "message_file" in one else json.dumps(one["message"]).encode()
    )
    told = json.loads(body)
    documents = {told["SigningCertURL"]: one["cert_file"]}
    if "ca_file" in one:
        documents[SENDERS["scaleway"].ISSUERS] = one["ca_file"]
    signed_at = datetime.fromisoformat(told["Timestamp"]).timestamp()
    return replace(request(body, {}), received_at=signed_at), {"secret": told["TopicArn"], "documents": documents}


VECTORS = {"mandrill-hmac-sha1": _form_vector, "sns": _envelope_vector}
