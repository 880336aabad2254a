"""What becomes of a mail, as its sender's trace tells it: real servers, and a real collector."""

import secrets
import signal
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from attacks.house import MAIL, Served, served, until
from otlp_kit import Collector, collector, tree
from server_kit import API_ACCOUNTS

CALLER = "b7ad6b7169203331"
WAIT = ("Prefer", "wait=20")
LOST = {"kind": "accept_reset", "count": 1}
BUSY = {"kind": "status", "status": 503, "count": 1}
CALM = 4  # spans of a mail that the first account takes

pytestmark = pytest.mark.slow


@contextmanager
def traced(folder, **more):
    """A server with accounts at a sandbox, and the collector that it tells."""
    with collector() as told, pytest.MonkeyPatch.context() as patch:
        for name, value in (told.environ | more).items():
            patch.setenv(name, value)
        with served(folder, API_ACCOUNTS) as house:
            yield house, told


@dataclass
class Sender:
    """Somebody who sends mails within a trace."""

    house: Served
    told: Collector
    trace: str
    flags: str = "01"

    def send(self):
        traceparent = ("Traceparent", f"00-{self.trace}-{CALLER}-{self.flags}")
        return self.house.ask("POST", "/v1/emails", MAIL, [traceparent, WAIT]).json

    def spans(self, count):
        """Those of the trace, when there are so many."""
        return self.spans_when(lambda spans: len(spans) >= count)

    def spans_when(self, holds):
        return self._own(self.told.wait_for(lambda spans: holds(self._own(spans))))

    def _own(self, spans):
        return [span for span in spans if span.trace_id == self.trace]


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with traced(tmp_path_factory.mktemp("traced")) as pair:
        yield pair


@pytest.fixture
def sender(running):
    return Sender(*running, secrets.token_hex(16))


def named(spans, name):
    return [span for span in spans if span.name == name]


def of_account(spans, account):
    [span] = [span for span in spans if span.attributes.get("everpost.account") == account]
    return span


def names_of(events):
    return [name for name, _ in events]


def test_a_mail_that_went_elsewhere_is_one_tree_below_its_senders_span(sender):
    sender.house.control("PUT", "mailgun/faults", BUSY)
    assert sender.send()["state"] == "sent"
    spans = sender.spans(6)
    call = {"POST": {}}
    hand_overs = {"email hand over (mailgun)": call, "email hand over (sendgrid)": call}
    assert tree(spans, CALLER) == {"POST /v1/emails": {"email accept": hand_overs}}
    assert {(span.name, span.kind) for span in spans} == {
        ("POST /v1/emails", "SERVER"),
        ("email accept", "PRODUCER"),
        ("email hand over", "CONSUMER"),
        ("POST", "CLIENT"),
    }
    assert {span.service for span in spans} == {"everpost"}


def test_a_span_says_what_came_of_its_work(sender):
    sender.house.control("PUT", "mailgun/faults", BUSY)
    mail = sender.send()
    spans = sender.spans(6)
    [request] = named(spans, "POST /v1/emails")
    told = {"http.request.method": "POST", "http.route": "/v1/emails", "http.response.status_code": 200}
    assert request.attributes == told
    [accept] = named(spans, "email accept")
    assert accept.attributes["messaging.message.id"] == mail["id"]
    assert accept.attributes["messaging.operation.type"] == "send"
    first, second = of_account(spans, "mailgun"), of_account(spans, "sendgrid")
    assert first.failed
    assert first.attributes["error.type"] == "unavailable"
    assert names_of(first.events) == ["email.deferred"]
    assert first.events[0][1]["everpost.outcome"] == "unavailable"
    assert not second.failed
    assert second.attributes["messaging.operation.type"] == "process"
    assert second.attributes["everpost.number"] == 2
    assert names_of(second.events) == ["email.sent"]


def test_a_call_of_a_provider_says_where_it_went_and_what_was_answered(sender):
    sender.house.control("PUT", "mailgun/faults", BUSY)
    sender.send()
    spans = sender.spans(6)
    answered = {}
    for span in named(spans, "POST"):
        assert span.attributes["server.address"] == "127.0.0.1"
        port, status = span.attributes["server.port"], span.attributes["http.response.status_code"]
        answered[span.parent] = (port, status, span.failed)
    ports = sender.house.ports
    assert answered == {
        of_account(spans, "mailgun").id: (ports["mailgun"], 503, True),
        of_account(spans, "sendgrid").id: (ports["sendgrid"], 202, False),
    }


def test_a_question_stands_in_the_trace_with_each_request_that_it_took(sender):
    sender.house.control("PUT", "mailgun/faults", LOST)
    assert sender.send()["state"] == "sent"
    spans = sender.spans_when(
        lambda spans: any("email.resolved" in names_of(span.events) for span in named(spans, "email resolve"))
    )
    [accept] = named(spans, "email accept")
    questions = named(spans, "email resolve")
    assert {(span.parent, span.kind) for span in questions} == {(accept.id, "CONSUMER")}
    look_ups = named(spans, "GET")
    assert look_ups
    assert {span.parent for span in look_ups} <= {span.id for span in questions}
    assert all("?" not in span.attributes["url.full"] for span in look_ups)
    [facts] = [facts for span in questions for name, facts in span.events if name == "email.resolved"]
    assert facts["everpost.verdict"] == "found"
    assert of_account(named(spans, "email hand over"), "mailgun").attributes["error.type"] == "unknown"


def test_the_trail_names_the_span_that_later_ones_stand_below(sender):
    mail = sender.send()
    [accept] = named(sender.spans(CALM), "email accept")
    events = sender.house.ask("GET", f"/v1/events?message={mail['id']}").json["data"]
    assert events[0]["data"]["trace"] == f"00-{sender.trace}-{accept.id}-01"


def test_what_its_sender_does_not_sample_is_told_to_nobody(sender):
    quiet = Sender(sender.house, sender.told, secrets.token_hex(16), flags="00")
    mail = quiet.send()
    sender.send()
    sender.spans(CALM)
    assert [span for span in sender.told.spans if span.trace_id == quiet.trace] == []
    events = sender.house.ask("GET", f"/v1/events?message={mail['id']}").json["data"]
    _, trace, _, flags = events[0]["data"]["trace"].split("-")
    assert (trace, flags) == (quiet.trace, "00")


def test_a_mail_without_a_trace_begins_one_of_its_own(sender):
    mail = sender.house.ask("POST", "/v1/emails", MAIL, [WAIT]).json
    events = sender.house.ask("GET", f"/v1/events?message={mail['id']}").json["data"]
    sender.trace = events[0]["data"]["trace"].split("-")[1]
    whole = {"POST /v1/emails": {"email accept": {"email hand over (mailgun)": {"POST": {}}}}}
    assert tree(sender.spans(CALM), "") == whole


def test_vital_signs_pages_and_unknown_paths_make_no_spans(sender):
    for path in ("/healthz", "/readyz", "/metrics", "/", "/docs", "/nowhere"):
        sender.house.ask("GET", path, headers=[("Traceparent", f"00-{sender.trace}-{CALLER}-01")])
    sender.house.ask("GET", "/v1/routes/default", headers=[("Traceparent", f"00-{sender.trace}-{CALLER}-01")])
    [span] = sender.spans(1)
    assert span.name == "GET /v1/routes/{name}"


def test_the_last_spans_leave_when_the_server_stops(tmp_path):
    with traced(tmp_path, OTEL_BSP_SCHEDULE_DELAY="3600000") as (house, told):
        Sender(house, told, secrets.token_hex(16)).send()
        assert told.spans == []
        house.process.send_signal(signal.SIGTERM)
        assert house.process.wait(30) == 0
        assert len(told.spans) == CALM


def test_a_collector_that_never_answers_holds_up_no_mail_and_no_stop(tmp_path):
    small = {"OTEL_BSP_MAX_QUEUE_SIZE": "16", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "8"}
    with traced(tmp_path, OTEL_EXPORTER_OTLP_TIMEOUT="3600", **small) as (house, told):
        told.answers.clear()
        sender = Sender(house, told, secrets.token_hex(16))
        assert {sender.send()["state"] for _ in range(30)} == {"sent"}
        assert told.asked.is_set()
        assert told.spans == []
        house.process.send_signal(signal.SIGTERM)
        assert house.process.wait(25) == 0  # OpenTelemetry itself would wait for 30 s


def test_without_a_collector_mail_goes_out_all_the_same(tmp_path, monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    with served(tmp_path, API_ACCOUNTS) as house:
        mail = house.ask("POST", "/v1/emails", MAIL).json
        until(lambda: house.mail(mail["id"])["state"] == "sent")
        assert house.process.poll() is None
