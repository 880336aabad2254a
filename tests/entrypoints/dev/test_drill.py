"""What a drill shows is counted at the providers, drawn and told; no text of others becomes markup of its report."""

import re
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest

from everpost.entrypoints.dev import charts, report
from everpost.entrypoints.dev.drill import DrillRequest, DrillState, Record, Run
from everpost.entrypoints.dev.figures import figures, waits
from everpost.entrypoints.dev.script import DRILL, HANGS, WORKS, WORKS_AGAIN, length_s
from everpost.entrypoints.dev.tally import Arrival, Sent

AT = 1_800_000_000.0


def record(*arrivals, state=DrillState.DONE, first="mailgun"):
    """Three mails: one before the fault, one in it, one after it."""
    runs = [Run(WORKS, AT, AT + 2), Run(HANGS, AT + 2, AT + 4), Run(WORKS_AGAIN, AT + 4, AT + 6)]
    sent = [Sent("a", AT + 0.5, 3.0), Sent("b", AT + 2.5, 4.0), Sent("c", AT + 4.5, 5.0)]
    return Record(
        request=DrillRequest(),
        first=first,
        started_at=AT,
        state=state,
        ended_at=AT + 6,
        runs=runs,
        sent=sent,
        arrivals=[Arrival(message, provider, AT + at) for message, provider, at in arrivals],
    )


GOOD = (("a", "mailgun", 0.6), ("b", "sendgrid", 3.0), ("c", "mailgun", 4.6))


def test_a_good_drill_is_told_part_by_part():
    told = figures(record(*GOOD), AT + 99)
    assert (told.total.acknowledged, told.total.lost, told.total.duplicated, told.on_the_way) == (3, 0, 0, 0)
    works, hangs, again = told.parts
    assert [part.failover_s for part in told.parts] == [None, 1.0, None]
    assert [part.sent_by for part in told.parts] == [{"mailgun": 1}, {"sendgrid": 1}, {"mailgun": 1}]
    assert (hangs.from_s, hangs.to_s, hangs.handed_over_max_ms) == (2.0, 4.0, 500.0)
    assert (works.is_fault, hangs.is_fault, again.is_fault) == (False, True, False)
    assert told.handed_over_by_s == {"mailgun": [1, 0, 0, 0, 1, 0], "sendgrid": [0, 0, 0, 1, 0, 0]}
    assert told.accepted_by_s == [1, 0, 1, 0, 1, 0]
    assert [(each.provider, each.mails, each.busiest_s) for each in told.accounts] == [
        ("mailgun", 2, 1),
        ("sendgrid", 1, 1),
    ]
    assert report.is_good(told)
    assert report.verdict(told) == "3 mails acknowledged, all of them handed over, each of them once."


def test_a_mail_that_did_not_arrive_is_on_its_way_while_it_runs_and_lost_afterwards():
    running = figures(record(*GOOD[:2], state=DrillState.SETTLING), AT + 6)
    assert (running.total.lost, running.on_the_way, report.is_good(running)) == (0, 1, False)
    assert [part.lost for part in running.parts] == [0, 0, 0]
    over = figures(record(*GOOD[:2]), AT + 6)
    assert (over.total.lost, over.on_the_way, report.is_good(over)) == (1, 0, False)
    assert "1 lost" in report.verdict(over)


def test_a_mail_that_two_providers_have_was_sent_twice():
    told = figures(record(*GOOD, ("b", "mailgun", 5.0)), AT + 6)
    assert (told.total.duplicated, report.is_good(told)) == (1, False)
    assert "1 sent twice" in report.verdict(told)


def test_a_mail_that_was_not_acknowledged_fails_the_drill():
    seen = record(*GOOD)
    seen.sent.append(Sent(None, AT + 5, 9.0))
    assert "1 not acknowledged" in report.verdict(figures(seen, AT + 6))


def test_mail_of_others_is_not_counted():
    told = figures(record(*GOOD, ("z", "smtp", 1.0)), AT + 6)
    assert report.is_good(told)
    assert [each.provider for each in told.accounts] == ["mailgun", "sendgrid"]


def test_a_drill_that_has_just_begun_can_be_drawn():
    seen = Record(request=DrillRequest(), first="mailgun", started_at=AT)
    told = figures(seen, AT)
    for chart in (charts.throughput(told), charts.waiting(told, [])):
        ET.fromstring(chart)
    assert report.verdict(told) == "0 mails acknowledged so far, 0 on their way."


@pytest.mark.parametrize("most", [1, 9, 10, 13, 99, 100, 143, 5000])
def test_the_highest_bar_is_within_the_chart(most):
    seen = record(*(("a", "mailgun", 0.1) for _ in range(most)))
    drawn = charts.throughput(figures(seen, AT + 6))
    heights = [float(each) for each in re.findall(r"M[\d.]+ [\d.]+v(-[\d.]+)h", drawn)]
    assert min(heights) >= -228.0
    assert min(heights) < -110


def test_the_report_needs_nothing_else_runs_nothing_and_escapes_what_others_are_called():
    evil = '<script>alert(1)</script>"><img src=x>'
    seen = record(("a", evil, 0.6), ("b", "sendgrid", 3.0), ("c", evil, 4.6), first=evil)
    page = report.render(figures(seen, AT + 6), waits(seen))
    tags = Tags(page)
    assert not tags.names & {"script", "img", "link", "iframe", "object"}
    assert not [name for name in tags.attributes if name.startswith("on") or name in ("src", "href")]
    assert "&lt;script&gt;" in page
    assert "default-src 'none'" in page


class Tags(HTMLParser):
    def __init__(self, page):
        super().__init__()
        self.names, self.attributes = set(), set()
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.names.add(tag)
        self.attributes |= {name for name, _ in attributes}


def test_the_usual_drill_takes_less_than_a_minute():
    assert 30 <= length_s(DrillRequest().part_s) <= 60
    assert next(part.title for part in DRILL if part.fault) == "refuses connections"
    assert DRILL[-1].fault is None
