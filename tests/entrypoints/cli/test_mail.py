import base64
import io

import pytest

MAIL = {
    "id": "em_1",
    "state": "sent",
    "created_at": "2030-01-31T09:00:00.000Z",
    "updated_at": "2030-01-31T09:00:00.200Z",
    "from": {"email": "ann@example.com", "name": "Ann"},
    "subject": "Hello",
    "recipients": [{"email": "bob@example.org", "name": "", "kind": "to", "state": "sent"}],
    "deliveries": [{"id": "em_1.0", "state": "sent", "reason": "", "due_at": None}],
    "attempts": [
        {
            "number": None,
            "account": "smtp",
            "why": "quota of the day is used up",
            "outcome": "skipped",
            "started_at": "2030-01-31T09:00:00.005Z",
            "latency_ms": None,
            "status": None,
            "text": "",
            "provider_message_id": None,
            "resolution": None,
        },
        {
            "number": 1,
            "account": "mailgun",
            "why": "first of the route",
            "outcome": "unknown",
            "started_at": "2030-01-31T09:00:00.010Z",
            "latency_ms": 1000.4,
            "status": None,
            "text": "answer: timed out",
            "provider_message_id": None,
            "resolution": "absent; resend",
        },
        {
            "number": 2,
            "account": "sendgrid",
            "why": "next of the route",
            "outcome": "accepted",
            "started_at": "2030-01-31T09:00:02.000Z",
            "latency_ms": 12.0,
            "status": 202,
            "text": "",
            "provider_message_id": "sg-1",
            "resolution": None,
        },
    ],
}
QUEUED = MAIL | {"state": "queued", "attempts": []}
LEAST = ("send", "--from", "ann@example.com", "--to", "bob@example.org")


def test_a_mail_is_handed_in_with_all_its_parts(everpost, server, tmp_path):
    server.put("POST", "/v1/emails", 202, QUEUED)
    (tmp_path / "invoice.pdf").write_bytes(b"%PDF")
    (tmp_path / "strange").write_bytes(b"\x00")
    ended = everpost(
        *LEAST, "--to", "Ann <ann@example.net>", "--cc", "c@example.org", "--subject", "Hello", "--text", "It works",
        "--html", "<p>It works", "--tag", "a", "--tag", "b", "--route", "otp", "--idempotency-key", "k1",
        "--attach", tmp_path / "invoice.pdf", "--attach", tmp_path / "strange",
    )  # fmt: skip
    assert (ended.code, ended.out) == (0, "em_1  queued\n")
    (asked,) = server.asked
    assert asked.headers["Idempotency-Key"] == "k1"
    assert asked.headers["Prefer"] is None
    assert asked.json == {
        "from": "ann@example.com",
        "to": ["bob@example.org", "Ann <ann@example.net>"],
        "cc": ["c@example.org"],
        "subject": "Hello",
        "text": "It works",
        "html": "<p>It works",
        "tags": ["a", "b"],
        "route": "otp",
        "attachments": [
            {
                "filename": "invoice.pdf",
                "content_type": "application/pdf",
                "content": base64.b64encode(b"%PDF").decode(),
            },
            {"filename": "strange", "content_type": "application/octet-stream", "content": "AA=="},
        ],
    }


def test_the_text_may_come_from_standard_input(everpost, server, monkeypatch):
    server.put("POST", "/v1/emails", 202, QUEUED)
    monkeypatch.setattr("sys.stdin", io.StringIO("from a pipe\n"))
    everpost(*LEAST, "--text", "-")
    assert server.asked[0].json["text"] == "from a pipe\n"


def test_standard_input_can_not_be_both_bodies(everpost, server):
    assert everpost(*LEAST, "--text", "-", "--html", "-").code == 2
    assert server.asked == []


def test_an_attachment_that_is_not_there_is_wrong_usage_and_nothing_is_sent(everpost, server, tmp_path):
    ended = everpost(*LEAST, "--attach", tmp_path / "none.pdf")
    assert ended.code == 2
    assert "none.pdf can't be attached: No such file" in ended.err
    assert server.asked == []


@pytest.mark.parametrize(("words", "prefer"), [(["--wait"], "wait=30"), (["--wait", "5"], "wait=5")])
def test_who_waits_is_told_who_has_taken_it(everpost, server, words, prefer):
    server.put("POST", "/v1/emails", 200, MAIL)
    ended = everpost(*LEAST, *words)
    assert (ended.code, ended.out) == (0, "em_1  sent by sendgrid\n")
    assert server.asked[0].headers["Prefer"] == prefer


@pytest.mark.parametrize("state", ["failed", "held", "cancelled"])
def test_a_mail_that_ends_badly_ends_the_command_with_1(everpost, server, state):
    server.put("POST", "/v1/emails", 200, QUEUED | {"state": state})
    assert everpost(*LEAST, "--wait").code == 1


def test_what_the_server_said_of_a_mail_is_printed_as_json(everpost, server):
    server.put("POST", "/v1/emails", 202, QUEUED)
    assert everpost(*LEAST, "--json").json == QUEUED
    server.put("GET", "/v1/emails/em_1", 200, MAIL)
    assert everpost("show", "em_1", "--json").json == MAIL


def test_the_story_of_a_mail_is_told_in_order(everpost, server):
    server.put("GET", "/v1/emails/em_1", 200, MAIL)
    ended = everpost("show", "em_1")
    assert ended.code == 0
    lines = [line.strip() for line in ended.out.splitlines() if line]
    without_clock = [line.partition("  ")[2] if line[2:3] == ":" else line for line in lines]
    assert without_clock == [
        "em_1  sent",
        "from     Ann <ann@example.com>",
        "to       bob@example.org  sent",
        "subject  Hello",
        "accepted on 2030-01-31",
        "no attempt  smtp: skipped",
        "because quota of the day is used up",
        "attempt 1  mailgun: unknown after 1000 ms",
        "because first of the route",
        "it said: answer: timed out",
        "asked later: absent; resend",
        "attempt 2  sendgrid: accepted (202) after 12 ms",
        "because next of the route",
        "known there as sg-1",
    ]


def test_what_a_provider_has_told_of_a_recipient_stands_below_it(everpost, server):
    told = {"state": "bounced", "reason": "hard: invalid_recipient\x1b[31m", "told_at": "2030-01-31T09:00:05.000Z"}
    server.put("GET", "/v1/emails/em_1", 200, {**MAIL, "recipients": [MAIL["recipients"][0] | told]})
    lines = [line.strip() for line in everpost("show", "em_1").out.splitlines()]
    at = lines.index("to       bob@example.org  bounced")
    assert lines[at + 1].startswith("told at 2030-01-31 ")
    assert lines[at + 1].endswith(": hard: invalid_recipient [31m")


def test_a_mail_that_waits_says_why_and_until_when(everpost, server):
    delivery = {
        "id": "em_1.0",
        "state": "queued",
        "reason": "every account is blocked",
        "due_at": "2030-01-31T09:05:00.000Z",
    }
    server.put("GET", "/v1/emails/em_1", 200, QUEUED | {"deliveries": [delivery]})
    last = everpost("show", "em_1").out.splitlines()[-1]
    assert "now: queued: every account is blocked, looked at next at 2030-01-31" in last


def test_a_mail_that_does_not_exist_is_a_failure(everpost):
    ended = everpost("show", "em_none")
    assert ended.code == 1
    assert "there is no such thing" in ended.err


def test_an_id_stays_one_segment_of_the_path(everpost, server):
    everpost("show", "../accounts?x")
    assert server.asked[0].path == "/v1/emails/..%2Faccounts%3Fx"
