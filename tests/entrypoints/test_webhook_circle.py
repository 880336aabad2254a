"""The whole circle on one machine: a mail, the sandbox, its signed webhook, the event, the suppression."""

import time
from contextlib import suppress

import pytest

from everpost.entrypoints.cli.client import Client
from everpost.entrypoints.cli.command import Stop
from everpost.entrypoints.cli.demo_server import running_server
from everpost.sandbox.telling import TELLERS

PATIENCE_S = 20.0
USUAL = ("mailgun", "sendgrid")
MORE = tuple(sorted(set(TELLERS) - set(USUAL)))
VAGUE = frozenset({"resend"})  # their events do not say which of several recipients they are about
OF_A_LIST = frozenset({"postmark"})  # whoever unsubscribes there leaves one list
UNTOLD = {  # what they have no event for, by the fate of a recipient
    "mailersend": {"drop"},
    "resend": {"unsubscribe"},
    "scaleway": {"complain", "unsubscribe"},
}
FATES = {
    "bob": "delivered",
    "bounce": "bounced",
    "softbounce": "bounced",
    "drop": "rejected",
    "complain": "complained",
    "unsubscribe": "unsubscribed",
    "defer": "delivered",
}
NAMES = (*USUAL, *MORE)


@pytest.fixture(scope="module")
def house():
    with running_server(1.0, 0.5, *MORE) as (url, control_url):
        yield Client(url), Client(control_url)


def until(look, is_good):
    """What it shows at last; each look is a request, so nothing spins."""
    ends_at = time.monotonic() + PATIENCE_S
    while not is_good(shown := look()) and time.monotonic() < ends_at:
        pass
    return shown


def sent_by(client, account, *to, cc=()):
    client.post("/setEmailProvider", {"provider": account})
    mail = {
        "from": "ann@example.com",
        "to": list(to),
        "cc": list(cc),
        "subject": "Hello",
        "text": "It works, and so does its webhook",
    }
    return client.post("/v1/emails", mail, {"prefer": "wait=5"}).body["id"]


def fates(client, id_, expected):
    def states():
        return [one["state"] for one in client.get(f"/v1/emails/{id_}")["recipients"]]

    return until(states, lambda shown: shown == expected)


def told_of(client, account):
    """Each recipient by their fate: of one mail to all of them, or of a mail to each."""
    to = [f"{fate}+{account}@example.org" for fate in FATES if fate not in UNTOLD.get(account, ())]
    expected = [FATES[address.partition("+")[0]] for address in to]
    mails = [([each], []) for each in to] if account in VAGUE else [(to[:-1], to[-1:])]
    ids = [sent_by(client, account, *mail, cc=cc) for mail, cc in mails]

    def told():
        return [one for id_ in ids for one in client.get(f"/v1/emails/{id_}")["recipients"]]

    shown = until(told, lambda recipients: [one["state"] for one in recipients] == expected)
    assert [one["state"] for one in shown] == expected
    return {one["email"].partition("+")[0]: one for one in shown}


@pytest.mark.slow
@pytest.mark.parametrize("account", NAMES)
def test_what_becomes_of_each_recipient_comes_back(house, account):
    client, _ = house
    told = told_of(client, account)
    assert told["bounce"]["reason"].startswith("hard: invalid_recipient: ")
    assert told["softbounce"]["reason"].startswith("soft: ")
    final = {"bounce", "complain", "unsubscribe"} & told.keys() - ({"unsubscribe"} if account in OF_A_LIST else set())
    assert {fate for fate, one in told.items() if is_suppressed(client, one["email"])} == final


def is_suppressed(client, address):
    with suppress(Stop):
        return client.get(f"/v1/suppressions/{address}")["reason"] != ""
    return False


@pytest.mark.slow
@pytest.mark.parametrize("account", NAMES)
def test_who_has_bounced_is_not_written_to_again(house, account):
    client, _ = house
    address = f"bounce+again-{account}@example.org"
    assert fates(client, sent_by(client, account, address), ["bounced"]) == ["bounced"]
    assert fates(client, sent_by(client, account, address), ["suppressed"]) == ["suppressed"]


@pytest.mark.slow
@pytest.mark.parametrize("account", [name for name in NAMES if "complain" not in UNTOLD.get(name, ())])
def test_a_complaint_may_come_later_on_request(house, account):
    client, control = house
    id_ = sent_by(client, account, f"late-{account}@example.org")
    assert fates(client, id_, ["delivered"]) == ["delivered"]
    (caught,) = control.get(f"/_sandbox/inbox?delivery_id={id_}.0")["data"]
    control.post(f"/_sandbox/inbox/{caught['id']}/events", {"what": "complained"})
    assert fates(client, id_, ["complained"]) == ["complained"]
