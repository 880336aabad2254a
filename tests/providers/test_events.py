"""How the providers' own events are told from forged ones, and read: by facts of ours in the fixtures, and by samples
where a folder of them is named."""

import json
import math
import os
import re
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from everpost.core.noticing import event_of, unreadable_event
from everpost.model.limits import HOOK_EVENTS_MAX
from everpost.model.sighting import Sighting, SightingKind, Unreadable
from everpost.providers.hooks import AHEAD_S_MAX, Forged, Genuine, Lacks, secrets_of
from everpost.wiring import PROVIDERS
from hook_senders import DELIVERY, resend
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
    usual = {"at", "recipient", "vague", "delivery_id", "provider_message_id", "event_id"}
    assert {key: value for key, value in told(sighting).items() if key not in usual} == case["told"]


NAMES = {
    "brevo": ("<4711@smtp-relay.mailin.fr>:delivered:bob@example.org:1800000000000:", NOW, "4711@smtp-relay.mailin.fr"),
    "mailersend": ("ms-delivered", NOW + 0.5, "69559b"),
    "mailgun": ("2027-01-15:mg-delivered", NOW + 0.5, "4711@mg.example.com"),
    "mailjet": (
        f"104427216766056450:sent:bob@example.org:{int(NOW)}:",
        NOW,
        "00000000-0000-4000-8000-00000000e001",
    ),
    "mailtrap": ("mt-delivery", NOW, "00000000-0000-4000-8000-000000004711"),
    "mandrill": (f"abcdef:delivered:{int(NOW)}:", NOW, "abcdef"),
    "postmark": (
        "Delivery:00000000-0000-4000-8000-000000004711:bob@example.org:2027-01-15T08:00:00.500000Z",
        NOW + 0.5,
        "00000000-0000-4000-8000-000000004711",
    ),
    "resend": (None, NOW + 0.5, "00000000-0000-4000-8000-000000004711"),
    "scaleway": ("scw-email_delivered", NOW + 0.5, "5aaa"),
    "sendgrid": ("sg-delivered", NOW, "abcdef"),
    "ses": ("0100019b:Delivery:bob@example.org:2027-01-15T08:00:00.500Z", NOW + 0.5, "0100019b"),
    "sparkpost": ("sp-delivery", NOW, "4711"),
}


@pytest.mark.parametrize("name", PROVIDERS_HERE)
def test_what_names_the_mail_and_the_event_is_found_where_the_provider_puts_it(name):
    (one,) = webhook(name).read(REQUESTS[name](EVENTS[name]()).body)
    assert (one.event_id, one.at, one.provider_message_id) == NAMES[name]
    assert (one.recipient, one.delivery_id) == ("bob@example.org", DELIVERY)
    assert json.loads(one.raw) == EVENTS[name]()


@pytest.mark.parametrize("name", PROVIDERS_HERE)
def test_an_event_is_known_again_however_it_comes(name):
    (one,) = webhook(name).read(REQUESTS[name](EVENTS[name]()).body)
    (again,) = webhook(name).read(REQUESTS[name](EVENTS[name](), at=NOW + 7).body)
    assert event_of(one, "a", None, NOW).id == event_of(again, "a", None, NOW + 7).id


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
        assert "is wrong" in forged.reason or "its topic is not among" in forged.reason

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
        assert re.match("it (is not signed|does not log in)", forged.reason)


@pytest.mark.parametrize("name", ["mailtrap", "resend", "sendgrid"])
def test_every_flipped_bit_of_a_signed_body_is_noticed(name):
    asked = REQUESTS[name](EVENTS[name]())
    for place in range(len(asked.body)):
        flipped = bytearray(asked.body)
        flipped[place] ^= 1 << place % 8
        assert isinstance(verified(name, replace(asked, body=bytes(flipped))), Forged), place


@pytest.mark.parametrize("name", sorted(set(PROVIDERS_HERE) - {"mailgun"}))
def test_every_flipped_bit_of_what_signs_a_request_is_noticed(name):
    asked = REQUESTS[name](EVENTS[name]())
    for header, value in asked.headers.items():
        for place in range(len("Basic ") if header == "authorization" else 0, len(value)):
            for bit in range(7):
                flipped = value[:place] + chr(ord(value[place]) ^ 1 << bit) + value[place + 1 :]
                forged = verified(name, replace(asked, headers={**asked.headers, header: flipped}))
                assert isinstance(forged, Forged), (header, flipped)


@pytest.mark.parametrize("name", sorted(set(PROVIDERS_HERE) - {"mailgun"}))
def test_what_signs_a_request_can_not_be_cut_short(name):
    asked = REQUESTS[name](EVENTS[name]())
    for header, value in asked.headers.items():
        for end in range(len(value)):
            cut = verified(name, replace(asked, headers={**asked.headers, header: value[:end]}))
            assert isinstance(cut, Forged), (header, value[:end])


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


def test_headers_of_standard_webhooks_may_have_their_own_names():
    assert isinstance(verified("resend", resend.request(resend.event(), prefix="webhook")), Genuine)


def test_a_signature_of_standard_webhooks_may_stand_among_others():
    asked = resend.request(resend.event())
    signatures = f"v1a,AAAA v1,{'A' * 43}= {asked.headers['svix-signature']}"
    assert isinstance(
        verified("resend", replace(asked, headers=asked.headers | {"svix-signature": signatures})), Genuine
    )


@pytest.mark.parametrize("secret", ["whsec_", "whsec_no base64!", "resend-signing-key", "whsec"])
def test_what_is_no_secret_of_standard_webhooks_is_told_as_the_fault_it_is(secret):
    forged = verified("resend", resend.request(resend.event()), webhook_secret=secret)
    assert forged == Forged("webhook_secret is no signing secret of Resend: whsec_…")
    both = f"{secret},{SECRETS['resend']}"
    assert isinstance(verified("resend", resend.request(resend.event()), webhook_secret=both), Genuine)


@pytest.mark.parametrize("secret", ["no base64!", "AAAA", "MIIB", "mailgun-signing-key"])
def test_what_is_no_public_key_is_told_as_the_fault_it_is(secret):
    forged = verified("sendgrid", sendgrid_request([sendgrid_event()]), webhook_secret=secret)
    assert forged == Forged("webhook_secret is not the verification key of SendGrid")


BATCHES = {
    "brevo": lambda events: json.dumps(events).encode(),
    "mailtrap": lambda events: json.dumps({"events": events}).encode(),
    "mailtrap in lines": lambda events: b"\r\n".join(json.dumps(event).encode() for event in events),
    "sendgrid": lambda events: json.dumps(events).encode(),
    "sparkpost": lambda events: json.dumps(events).encode(),
}


@pytest.mark.parametrize("batch", BATCHES)
def test_one_bad_event_does_not_take_the_others_with_it(batch):
    name = batch.partition(" ")[0]
    good = EVENTS[name]()
    read = webhook(name).read(BATCHES[batch]([good, {"email": "x"}, 7, None, good]))
    assert [type(one) for one in read] == [Sighting, Unreadable, Unreadable, Unreadable, Sighting]
    assert read[1].raw == b'{"email": "x"}'


def test_a_line_that_was_cut_off_does_not_take_the_others_with_it():
    good = json.dumps(EVENTS["mailtrap"]()).encode()
    read = webhook("mailtrap").read(good + b"\n\n" + good[:-9])
    assert [type(one) for one in read] == [Sighting, Unreadable]


def test_the_ping_at_the_making_of_a_webhook_tells_nothing():
    assert webhook("sparkpost").read(b'[{"msys":{}}]') == ()


@pytest.mark.parametrize("type_", ["domain.created", "contact.updated"])
def test_what_concerns_no_mail_is_passed_over(type_):
    assert webhook("resend").read(REQUESTS["resend"](EVENTS["resend"](type_)).body) == ()


def test_whose_it_is_is_not_certain_where_everybody_is_named():
    (one,) = webhook("resend").read(
        REQUESTS["resend"](EVENTS["resend"](to=["bob@example.org", "eve@example.net"])).body
    )
    assert (one.recipient, one.vague) == ("bob@example.org", True)


def test_our_id_is_found_in_the_second_place_where_it_stands():
    header = {"tags": {}, "headers": [7, {"name": "X-Everpost-Id", "value": DELIVERY}]}
    (one,) = webhook("resend").read(REQUESTS["resend"](EVENTS["resend"](**header)).body)
    assert one.delivery_id == DELIVERY
    tagged = {"X-Mailin-custom": "no JSON", "tags": ["receipts", 7, DELIVERY]}
    (one,) = webhook("brevo").read(REQUESTS["brevo"](EVENTS["brevo"](**tagged)).body)
    assert one.delivery_id == DELIVERY


def test_seconds_and_milliseconds_are_told_apart():
    for epoch in (int(NOW), int(NOW) * 1000):
        (one,) = webhook("brevo").read(REQUESTS["brevo"](EVENTS["brevo"](ts_epoch=epoch)).body)
        assert one.at == NOW


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


@pytest.mark.parametrize("batch", BATCHES)
def test_more_events_than_a_provider_sends_at_once_are_cut_off(batch):
    name = batch.partition(" ")[0]
    read = webhook(name).read(BATCHES[batch]([EVENTS[name]()] * (HOOK_EVENTS_MAX + 2)))
    assert len(read) == HOOK_EVENTS_MAX + 1
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
    """Whatever stands at the top, below it, or where a fixture has words."""
    fields = dict(data.draw(st.sampled_from([case["event"] for of, case in CASES if of == name])))
    for key in data.draw(st.sets(st.sampled_from([*fields, *EVENTS[name](), "reason", "to", "headers", "tags"]))):
        fields[key] = data.draw(anything)
    event = EVENTS[name](**fields)
    for key in data.draw(st.sets(st.sampled_from(sorted(event)), max_size=1)):
        event[key] = data.draw(anything)
    for one in webhook(name).read(REQUESTS[name](event).body):
        assert isinstance(one, Sighting | Unreadable)
        event_of(one, "a", None, NOW) if isinstance(one, Sighting) else unreadable_event(one, "a", NOW)


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
    assert len(ours) == 168
    for name in ours:
        provider = name.partition("/")[0]
        read = webhook(provider).read(_as_posted(provider, (samples / name).read_bytes()))
        assert [_as_told(provider, one) for one in read] == [_as_kept(one) for one in expected[name]], name


def test_lines_are_read_as_the_same_events_in_a_list(samples):
    lines, listed = ((samples / "mailtrap" / name).read_bytes() for name in ("batch.jsonl", "batch.json"))
    told = [[_as_told("mailtrap", one) for one in webhook("mailtrap").read(body)] for body in (lines, listed)]
    assert told[0] == told[1]


def _as_kept(told):
    """`first` is not kept, nor an id that stands elsewhere than in the event; and proxies load pictures."""
    kept = {key: value for key, value in told.items() if key != "first"}
    if kept.get("machine") == "proxy":
        kept["machine"] = "image_proxy"
    if re.search("<svix-id>|raw message|sha256", kept["dedupe_key"]):
        kept["dedupe_key"] = f"{kept['dedupe_key'].partition(':')[0]}:None"
    return kept


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
        "provider_message_id": f"<{message_id}>" if message_id and "@" in message_id else message_id,
        "our_id": one.delivery_id,
        "occurred_at": one.at and datetime.fromtimestamp(int(one.at), UTC).isoformat().replace("+00:00", "Z"),
        "smtp_code": one.smtp_code,
        "enhanced_status": one.enhanced_status,
        "machine": one.machine,
        "scope": one.scope,
        "late": one.late or None,
        "dedupe_key": f"{provider}:{one.event_id}",
    }
    return {key: value for key, value in shown.items() if value is not None}


STANDARD = "standard-webhooks"  # by which Resend signs


def test_the_signed_samples_are_genuine(samples):
    vectors = [
        one
        for one in json.loads((samples / "vectors.json").read_text())
        if one["provider"] in (*PROVIDERS_HERE, STANDARD) and not one.get("secret", "").startswith("whsk_")
    ]
    assert len(vectors) == 23
    for one in vectors:
        asked, how = VECTORS.get(one["scheme"], _plain_vector)(samples, one)
        documents = {url: (samples / file).read_bytes() for url, file in how.pop("documents", {}).items()}
        name = "resend" if one["provider"] == STANDARD else one["provider"]
        of = account(name, **how)
        found = webhook(name).verify(replace(asked, documents=documents), of, secrets(name, of))
        assert isinstance(found, Genuine), (one["name"], found)


def _plain_vector(samples, one):
    body = (samples / one["body_file"]).read_bytes() if "body_file" in one else one["body"].encode()
    headers = {name.lower(): value for name, value in one.get("headers", {}).items()}
    stamps = [value for name, value in headers.items() if name.endswith("-timestamp")]
    signed_at = stamps[0] if stamps else json.loads(body).get("signature", {}).get("timestamp", NOW)
    secret = one["public_key"] if one["provider"] == "sendgrid" else one["secret"]
    return replace(request(body, headers), received_at=float(signed_at)), {"secret": secret}


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
