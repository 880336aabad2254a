"""The sandbox's mail server, seen through smtplib."""

import asyncio
import smtplib

import pytest

from everpost.model.account import Account
from everpost.model.message import Address, Draft
from everpost.model.outcome import Kind
from everpost.providers.contract import SmtpReply, SmtpStage
from everpost.providers.smtp.adapter import PROVIDER as SMTP
from everpost.sandbox.faults import FaultKind, FaultPlan

ID = "em_01jzzzzzzzzzzzzzzzzzzzzzzz.0"
DRAFT = Draft(
    sender=Address("ann@example.com", "Änn"),
    to=(Address("bob@example.org"),),
    bcc=(Address("carbon@example.net"),),
    subject="Hello",
    text="Dots:\n.\n..\nThe end\n",
)
ACCOUNT = Account(name="relay", provider="smtp", settings={"host": "127.0.0.1", "security": "none"})
TAKEN = {ID: 1}


def dialogue(address, login=None):
    request = SMTP.build(DRAFT, ID, ACCOUNT)
    with smtplib.SMTP(*address, timeout=1) as client:
        if login:
            client.login(*login)
        client.ehlo_or_helo_if_needed()
        client.mail(request.mail_from)
        for recipient in request.rcpt_to:
            code, text = client.rcpt(recipient)
            if code != 250:
                return SMTP.read(SmtpReply(stage=SmtpStage.RCPT, code=code, text=text.decode()), ACCOUNT)
        code, text = client.data(request.data)
        return SMTP.read(SmtpReply(stage=SmtpStage.DOT, code=code, text=text.decode()), ACCOUNT)


async def hand_over(sandbox, login=None, **fault):
    if fault:
        await sandbox.put_faults("smtp", FaultPlan(**fault))
    return await asyncio.to_thread(dialogue, sandbox.smtp_address, login)


async def test_a_mail_is_taken_with_its_hidden_recipients(sandbox):
    outcome = await hand_over(sandbox, login=("relay-user", "secret"))
    (caught,) = sandbox.inbox.list()
    assert (outcome.kind, outcome.provider_message_id) == (Kind.ACCEPTED, caught.provider_message_id)
    assert (caught.provider, caught.account, caught.draft) == ("smtp", "relay-user", DRAFT)
    assert sandbox.inbox.taken == TAKEN


async def test_a_rejected_password_is_not_let_in(sandbox):
    sandbox.conduct.rejected_keys = frozenset({"secret"})
    with pytest.raises(smtplib.SMTPAuthenticationError):
        await hand_over(sandbox, login=("relay-user", "secret"))


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ({"kind": FaultKind.STATUS}, Kind.UNAVAILABLE),
        ({"kind": FaultKind.STATUS, "status": 554, "text": "5.6.0 bad content"}, Kind.REJECTED),
        ({"kind": FaultKind.STATUS, "status": 550, "text": "5.1.1 no such user", "stage": "rcpt"}, Kind.REJECTED),
    ],
)
async def test_a_refusal_comes_at_its_stage_and_nothing_is_taken(sandbox, fault, kind):
    assert (await hand_over(sandbox, **fault)).kind is kind
    assert not sandbox.inbox.taken


async def test_refuse_closes_the_port(sandbox):
    with pytest.raises(ConnectionRefusedError):
        await hand_over(sandbox, kind=FaultKind.REFUSE)
    await sandbox.put_faults("smtp")
    assert (await hand_over(sandbox)).kind is Kind.ACCEPTED


@pytest.mark.parametrize(
    ("kind", "taken"),
    [
        (FaultKind.RESET, {}),
        (FaultKind.HANG, {}),
        (FaultKind.ACCEPT_HANG, TAKEN),
        (FaultKind.ACCEPT_RESET, TAKEN),
    ],
)
async def test_a_broken_dialogue_shows_only_in_the_ledger_what_was_taken(sandbox, kind, taken):
    with pytest.raises((OSError, smtplib.SMTPException)):
        await hand_over(sandbox, kind=kind)
    assert sandbox.inbox.taken == taken


async def test_a_reply_without_sense_is_unknown(sandbox):
    assert (await hand_over(sandbox, kind=FaultKind.GARBAGE)).kind is Kind.UNKNOWN
    assert sandbox.inbox.taken == TAKEN


async def test_a_lost_mail_is_answered_with_success(sandbox):
    assert (await hand_over(sandbox, kind=FaultKind.LOSE)).kind is Kind.ACCEPTED
    assert (sandbox.inbox.taken, sandbox.inbox.lost, sandbox.inbox.list()) == ({}, TAKEN, [])


async def test_a_slow_answer_comes_after_the_mail_was_taken(sandbox):
    assert (await hand_over(sandbox, kind=FaultKind.SLOW, delay_s=0.05)).kind is Kind.ACCEPTED
    assert sandbox.inbox.taken == TAKEN
