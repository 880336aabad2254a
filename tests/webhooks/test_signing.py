"""Signatures, judged by the standard's own library."""

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook as Judge
from standardwebhooks import WebhookVerificationError

from everpost.model.webhook import SigningKey
from everpost.webhooks import signing

OLD, NEW = (SigningKey(signing.secret_of(bytes([number]) * signing.KEY_BYTES)) for number in (1, 2))
BODY = b'{"id":"em_1.0:2","type":"dev.everpost.email.sent"}'
ID = signing.webhook_id("shop", "em_1.0:2")


def now():
    return datetime.now(UTC).timestamp()


def signed(*keys, body=BODY, at=None):
    return signing.headers(keys, ID, now() if at is None else at, body)


def accepts(key, headers, body=BODY):
    try:
        Judge(key.secret).verify(body, headers)
    except (WebhookVerificationError, UnicodeDecodeError):
        return False
    return True


@given(st.binary(min_size=24, max_size=64), st.dictionaries(st.text(), st.text()))
def test_the_judge_accepts_what_is_signed(secret, value):
    body = json.dumps(value).encode()
    key = SigningKey(signing.secret_of(secret))
    assert Judge(key.secret).verify(body, signed(key, body=body)) == value


def test_it_is_signed_as_the_judge_signs():
    at = datetime(2026, 11, 26, 12, 30, 15, tzinfo=UTC)
    headers = signed(NEW, at=at.timestamp() + 0.9)
    assert headers["webhook-signature"] == Judge(NEW.secret).sign(ID, at, BODY.decode())
    assert headers["webhook-timestamp"] == str(int(at.timestamp()))


def test_no_bit_of_body_id_time_or_signature_may_be_another():
    good = signed(NEW)
    assert accepts(NEW, good)
    for position in range(8 * len(BODY)):
        flipped = bytearray(BODY)
        flipped[position // 8] ^= 1 << position % 8
        assert not accepts(NEW, good, bytes(flipped))
    digest = bytearray(base64.b64decode(good["webhook-signature"].removeprefix("v1,")))
    for position in range(8 * len(digest)):
        flipped = bytearray(digest)
        flipped[position // 8] ^= 1 << position % 8
        assert not accepts(NEW, good | {"webhook-signature": "v1," + base64.b64encode(flipped).decode()})
    assert not accepts(NEW, good | {"webhook-id": ID + "x"})
    assert not accepts(NEW, good | {"webhook-timestamp": str(int(good["webhook-timestamp"]) + 1)})
    assert not accepts(OLD, good)


@pytest.mark.parametrize(("minutes", "is_good"), [(-5.1, False), (-4.9, True), (4.9, True), (5.1, False)])
def test_what_is_repeated_later_than_five_minutes_is_refused_by_receivers(minutes, is_good):
    at = (datetime.now(UTC) + timedelta(minutes=minutes)).timestamp()
    assert accepts(NEW, signed(NEW, at=at)) is is_good


def test_during_a_rotation_both_secrets_verify_and_afterwards_the_new_one_alone():
    at = now()
    keys = (NEW, SigningKey(OLD.secret, until=at + 100))
    during, after = signed(*keys, at=at), signed(*keys, at=at + 100)
    assert accepts(OLD, during)
    assert accepts(NEW, during)
    assert len(during["webhook-signature"].split(" ")) == 2
    assert not accepts(OLD, after)
    assert accepts(NEW, after)


@given(st.text(), st.text(), st.text())
def test_the_id_of_an_event_is_its_own_and_has_no_full_stop(project, one, other):
    id_ = signing.webhook_id(project, one)
    assert "." not in id_
    assert (signing.webhook_id(project, other) == id_) is (one == other)
