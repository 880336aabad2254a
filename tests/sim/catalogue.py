"""Outages that have happened, as scripts: what the provider did, when, and what Everpost can honestly promise then.

A script is played by the first account of the route, a healthy one standing behind it, unless it says otherwise. Times
are shares of the storm: an outage of a day lasts as long as one of an hour, since nothing in Everpost remembers longer
than a circuit's five minutes or a quarter of an hour between two rounds, but for the days after which it gives up.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sim.plan import ProviderPlan, Weather

CALM: Final = Weather()
HEALTHY: Final = ProviderPlan(latency="postmark")
HANDED_OVER: Final = "what it has accepted counts as handed over, and is not sent again"


@dataclass(frozen=True)
class Phase:
    at: float  # share of the storm
    faults: Mapping[str, float]  # as shares of requests


@dataclass(frozen=True)
class Script:
    happened: str
    source: str
    promise: str
    phases: tuple[Phase, ...]
    meets: tuple[str, ...]  # what has to be seen when it is played, or it proves nothing
    within_s: float | None = 60.0  # from acknowledgement to hand-over, where no answer is missing; None: no promise
    second: ProviderPlan = HEALTHY
    weather: Weather = CALM


def _phases(*phases: tuple[float, Mapping[str, float]]) -> tuple[Phase, ...]:
    return tuple(Phase(at, faults) for at, faults in phases)


SCRIPTS: Final[Mapping[str, Script]] = {
    "mailgun_2016_03_23_accepted_never_stored": Script(
        "A faulty deployment: for 7 minutes about 129,000 mails were answered with success and never stored; then "
        "delays for 4 hours.",
        "status.mailgun.com/incidents/5v57x1lmbk5b",
        f"None but the provider can know: {HANDED_OVER}.",
        _phases((0.1, {"drop": 1.0}), (0.3, {"delay": 0.8}), (0.9, {})),
        ("drop", "delay"),
    ),
    "sendgrid_2022_10_03_accepted_then_partly_lost": Script(
        "Accepted, delayed, and partly lost in the mitigation; shown as processed or deferred.",
        "penguinpackets.com/~kelly/kblog/blog/01664901289",
        f"As before: {HANDED_OVER}.",
        _phases((0.1, {"delay": 0.7, "drop": 0.2}), (0.8, {})),
        ("drop", "delay"),
    ),
    "mailgun_2013_09_18_killed_workers_had_sent_but_not_marked": Script(
        "Workers were killed after they had sent and before they had marked it: delays and duplicates for 8 hours.",
        "mailgun.com/blog/product (What happened yesterday)",
        "The same befalls Everpost's own processes here, every few seconds: nothing is sent twice, since what a lost "
        "worker had in hand is asked about first.",
        _phases((0.0, {"slow": 0.3})),
        ("slow", "crash", "resolved: found"),
        within_s=None,
        weather=Weather(crash_every_s=15.0),
    ),
    "mailgun_2014_09_28_connect_trouble_for_days": Script(
        "Trouble to connect for two days, and duplicates of what was queued within 13 hours.",
        "status.mailgun.com/incidents/9s93dc83gtlw",
        "What can't connect goes elsewhere at once; what broke off after it was taken is found in the records.",
        _phases((0.05, {"refuse": 0.3, "accept_reset": 0.2}), (0.95, {})),
        ("refuse", "accept_reset", "resolved: found"),
    ),
    "sendgrid_2015_11_03_late_by_a_day": Script(
        "Answered with 202 and 250, and delivered up to 24 hours late: 5 million mails.",
        "status.sendgrid.com/incidents/x8rz3dqgdv4x",
        f"{HANDED_OVER[:1].upper()}{HANDED_OVER[1:]}; the second account is not asked, since nothing looks wrong.",
        _phases((0.1, {"delay": 1.0}), (0.9, {})),
        ("delay",),
    ),
    "sendgrid_2020_12_02_intermittent_503": Script(
        "Intermittent 503 over HTTP and 421 over SMTP for 4.4 hours.",
        "status.sendgrid.com/incidents/c2s254lpz3jw",
        "A 503 is proof that nothing was taken: the mail goes to the other account at once.",
        _phases((0.1, {"503": 0.4}), (0.9, {})),
        ("503",),
    ),
    "sendgrid_2020_09_01_account_blocked_without_notice": Script(
        "An account was blocked without notice for about 30 hours; and again on 15 October.",
        "accelo.com/resources/blog/email-service-provider-update",
        "The circuit of the account opens at the first refusal; mail goes to the other one.",
        _phases((0.1, {"403": 1.0}), (0.5, {}), (0.7, {"403": 1.0}), (0.9, {})),
        ("403", "account.opened"),
    ),
    "sendgrid_2020_10_15_moved_in_a_hurry_to_a_cold_account": Script(
        "After the second block within weeks a move to another provider in 8 hours, key by key.",
        "accelo.com/resources/blog/email-service-provider-update",
        "A revoked key is as a blocked account; the second account's small quota is never overrun.",
        _phases((0.1, {"401": 1.0}), (0.8, {})),
        ("401", "account.opened"),
        within_s=None,
        second=ProviderPlan(latency="resend", per_second=2),
    ),
    "hoa_express_compliance_stop_and_a_fresh_backup": Script(
        "A compliance stop: accepted, queued, not sent; the fresh backup account met its limits under sudden volume.",
        "f4g8z0njphjx.statuspage.io/incidents/7tx83287nr89",
        f"{HANDED_OVER[:1].upper()}{HANDED_OVER[1:]}; once the account refuses, mail waits for the backup's rate.",
        _phases((0.1, {"delay": 1.0}), (0.4, {"403": 1.0}), (0.8, {})),
        ("delay", "403"),
        within_s=None,
        second=ProviderPlan(latency="ses", per_second=3, faults={"429": 0.2}),
    ),
    "ses_2023_01_paused_and_the_other_lacks_the_domain": Script(
        "SES paused the account over a weekend; the provider to fall back to did not know the customers' own domains.",
        "status.buttondown.email/incidents/63j98v7tcfmt",
        "A mail never goes to an account that may not send for its domain: it waits; all others go there at once.",
        _phases((0.1, {"403": 1.0}), (0.9, {})),
        ("403", "account.opened"),
        within_s=None,
        second=ProviderPlan(latency="mailgun", senders=("example.com",)),
    ),
    "ses_domain_unverified_for_a_while": Script(
        "The same from the other side: the first account refuses a domain that has lost its verification.",
        "status.buttondown.email/incidents/63j98v7tcfmt",
        "Refused for good at that account and for that mail only; the other account takes it.",
        _phases((0.1, {"412": 0.5}), (0.9, {})),
        ("412",),
    ),
    "postmark_2018_05_15_late_by_an_hour": Script(
        "Accepted as always, delivered an hour late or more.",
        "status.postmarkapp.com/incidents/5243",
        f"{HANDED_OVER[:1].upper()}{HANDED_OVER[1:]}.",
        _phases((0.1, {"delay": 1.0}), (0.6, {})),
        ("delay",),
    ),
    "postmark_2019_07_03_api_time_outs": Script(
        "Time-outs of the API, and late delivery of what was accepted, for 3.5 hours.",
        "status.postmarkapp.com/incidents/7633",
        "A time-out is a question: what was taken is found, what was not goes elsewhere, nothing goes out twice.",
        _phases((0.1, {"hang": 0.2, "accept_hang": 0.2, "slow": 0.2, "delay": 0.2}), (0.8, {})),
        ("hang", "accept_hang", "resolved: found", "resolved: absent"),
    ),
    "postmark_queue_5_15_the_alarms_failed_too": Script(
        "The queue grew from 5:15 to 8:43 and nobody was told.",
        "postmarkapp.com/blog (Recent email delays)",
        f"{HANDED_OVER[:1].upper()}{HANDED_OVER[1:]}; its records can't be had meanwhile, so answers stay open longer.",
        _phases((0.1, {"delay": 0.8, "accept_hang": 0.1, "lookup_down": 1.0}), (0.6, {})),
        ("delay", "accept_hang", "records out of reach"),
    ),
    "aws_us_east_1_2025_10_19_names_gone": Script(
        "Names resolved to nothing for 3 hours, fallout for 14.5 hours, SES among it.",
        "aws.amazon.com/message/101925",
        "Without a connection nothing was taken: the other account has it at once. What broke off is kept until the "
        "records can be asked again.",
        _phases(
            (0.1, {"refuse": 0.95, "lookup_down": 1.0}),
            (0.3, {"refuse": 0.2, "hang": 0.1, "500": 0.2, "accept_hang": 0.1, "lookup_down": 0.8}),
            (0.9, {}),
        ),
        ("refuse", "500", "account.opened"),
    ),
    "brevo_2025_07_17_late_after_an_update": Script(
        "Delays after an update, and a roll-back that failed: 4.25 hours.",
        "status.brevo.com",
        f"{HANDED_OVER[:1].upper()}{HANDED_OVER[1:]}.",
        _phases((0.2, {"delay": 0.9, "slow": 0.1}), (0.5, {"delay": 1.0}), (0.7, {})),
        ("delay", "slow"),
    ),
    "courier_2023_08_29_resend_loop": Script(
        "The sender's own storage timed out, deliveries were not marked, and a queue that rebuilt itself sent them "
        "again and again while customers cancelled.",
        "status.safebase.io/incidents/67wn8qrgpxx6",
        "While outcomes can't be stored, nothing new is sent; what is in doubt is asked about; a cancelled mail stays "
        "cancelled.",
        _phases((0.0, {"429": 0.8}), (0.9, {})),
        ("store refuses", "store forgets", "cancelled"),
        within_s=None,
        second=ProviderPlan(latency="sparkpost", faults={"429": 0.8}),
        weather=Weather(store_refuses=0.1, store_forgets=0.1),
    ),
    "postal_3016_delivered_but_logged_as_a_soft_failure": Script(
        "Delivered, but taken for a time-out or a soft failure, and sent again: up to five copies.",
        "github.com/postalserver/postal/issues/3016, github.com/freescout-help-desk/freescout/issues/5457, "
        "github.com/pimalaya/core/issues/46",
        "An answer that is missing, or makes no sense, is looked into before anything is sent again.",
        _phases((0.05, {"accept_hang": 0.2, "accept_502": 0.2, "accept_garbled": 0.2}), (0.95, {})),
        ("accept_hang", "accept_502", "accept_garbled", "resolved: found"),
    ),
    "symfony_failover_after_any_failure": Script(
        "The next transport is asked after any failure, a time-out included: each such mail arrives twice.",
        "github.com/symfony/symfony-docs/issues/14957",
        "After a time-out no other account is asked until the first one is known not to have it.",
        _phases((0.1, {"accept_late": 0.5, "accept_hang": 0.5}), (0.5, {})),
        ("accept_late", "accept_hang", "resolved: found"),
    ),
    "several_providers_lose_one_of_128": Script(
        "About 1 of 128 mails that an API had accepted never arrived, at several providers, over weeks.",
        "codeknights.com/articles/monitoring-email-service-providers",
        f"{HANDED_OVER[:1].upper()}{HANDED_OVER[1:]}.",
        _phases((0.0, {"drop": 1 / 128})),
        ("fine",),
    ),
}
