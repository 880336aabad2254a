"""What reads along in the logs, from the request to the outcome."""

import json
import logging

from everpost.logs import JsonFormatter
from http_kit import BUSY, NATIVE, TAKEN

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


async def test_every_line_of_a_mail_carries_the_ids_that_it_is_followed_by(call, wire, caplog):
    caplog.set_level(logging.INFO, logger="everpost")
    wire.answers |= {"first": BUSY, "second": TAKEN}
    answer = await call("POST", "/v1/emails", NATIVE, {"prefer": "wait=5", "x-request-id": "r1", "traceparent": TRACE})
    id_ = answer.json["id"]

    lines = [json.loads(JsonFormatter().format(record)) for record in caplog.records]
    of_the_mail = {line["event"]: line for line in lines if line.get("message") == id_}

    assert list(of_the_mail) == ["email.deferred", "email.sent", "request"]
    assert {(line["request"], line["trace"]) for line in of_the_mail.values()} == {("r1", TRACE)}
    deferred, sent = of_the_mail["email.deferred"], of_the_mail["email.sent"]
    assert (deferred["account"], deferred["attempt"]) == ("first", f"{id_}.0.1")
    assert (deferred["outcome"], deferred["delivery"]) == ("unavailable", f"{id_}.0")
    assert (sent["account"], sent["attempt"], sent["outcome"]) == ("second", f"{id_}.0.2", "accepted")
    assert sent["status"] == 202
    assert sent["latency_ms"] >= 0
    assert [line for line in lines if "left_out" in line] == []
    assert "bob" not in json.dumps(lines)
