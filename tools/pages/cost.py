"""docs/cost.md: what the serverless shape costs, by volume, by mail and while it stands still."""

import json
from pathlib import Path
from typing import Final

from pages import markdown
from pages.cost_sums import FULL_CPU_MB, GATEWAYS, MILLION, Costs, Line, load

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "cost.md"
MEASURED: Final = PAGE.parent / "benchmarks" / "results.json"  # by make bench
VOLUMES: Final = (10_000, 100_000, MILLION, 10 * MILLION, 100 * MILLION)
COLUMNS: Final = (("least", "original"), ("least", "native"), ("prod", "original"), ("prod", "native"))
TITLES: Final = {
    "original": "`sendEmail`, answered when the mail is handed over",
    "native": "`POST /v1/emails`, answered when it is kept",
    "least": "`examples/dev`",
    "prod": "`examples/prod`",
    "containers": "always-on containers",
}
OPENING: Final = """What Everpost costs on AWS, at list prices of us-east-1, in US dollars, without free tiers,
discounts and taxes. What providers ask for a mail comes on top."""
BY_VOLUME: Final = """`original` is `sendEmail`, answered when the mail is handed over; `native` is `POST /v1/emails`,
answered when it is kept. The containers are the usual always-on shape, two tasks of 1 vCPU and 2 GB behind a load
balancer with PostgreSQL in two zones, as [the chart](kubernetes.md) runs Everpost, too; that column is of one size at
every volume. SES alone is the price of its mails, without anything that fails over, waits
or remembers; it is part of no other column."""
STARTS: Final = """A function that was not called for some minutes, or is called by more callers at once than before,
starts anew. A start of `send_email` takes {init_ms:.0f} ms of CPU
([measured](benchmarks.md#until-a-function-runs)), which Lambda bills as it does the work: {price} for a million starts.
If every hundredth mail meets one, that is {share} for a million mails."""
ASSUMED: Final = """Assumed, not measured: {memory_mb} MB a function, at which CPU time stretches by {full} /
{memory_mb}, since Lambda gives a whole CPU at {full} MB, and a CPU as fast as the measured one; {table_ms} ms for a
call of the table; {provider_ms} ms for a provider's answer; {mail_bytes:,} bytes on the way to it; {access_log_bytes}
bytes of access log. Left out, since it comes to less than a cent: calls of KMS, SSM and Secrets Manager, whose
answers are kept for minutes, and the cache's units. Left out, since it is the same for all shapes: data that goes
out."""
PRICES: Final = """Look them up before you rely on a sum: AWS's own pages could not be read when this was written.
The prices of API Gateway, DynamoDB, Fargate, KMS, Lambda, NAT and addresses, RDS, Valkey and WAF are those that others
reported of them in 2025 and 2026; the rest was not looked up. They stand in `tools/pages/cost.toml`, and `make
docs` computes this page anew."""


def page() -> str:
    costs = load()
    return markdown.page(
        "Cost",
        f"{OPENING} As of {costs.inputs['priced_at']}.",
        _by_volume(costs),
        _by_mail(costs),
        _by_month(costs),
        _starts(costs),
        _figures(costs),
        _prices(costs),
    )


def _by_volume(costs: Costs) -> str:
    ses = Line("ses_mails", 1)
    head = (
        "mails a month",
        *(f"{TITLES[shape]}, {flow}" for shape, flow in COLUMNS),
        TITLES["containers"],
        "SES alone",
    )
    rows = [
        (
            f"{mails:,}",
            *(money(costs.month(shape, flow, mails)) for shape, flow in COLUMNS),
            money(costs.month("containers", "", mails)),
            money(costs.dollars(ses) * mails / MILLION),
        )
        for mails in VOLUMES
    ]
    return f"## By volume\n\n{BY_VOLUME}\n\n" + markdown.table(head, rows) + f"\n{_crossing(costs)}\n"


def _crossing(costs: Costs) -> str:
    """From where on it is cheaper to let something run all the time."""
    rest = costs.month("containers", "", 0) - costs.month("prod", "native", 0)
    by_mail = (
        costs.total(costs.of_mails("native", MILLION)) - costs.total(costs.kept(MILLION, "database_gb"))
    ) / MILLION
    if rest <= 0:
        return "Containers stand still at less than `examples/prod` does: they are cheaper at every volume."
    return (
        f"Beyond some {rest / by_mail / MILLION:,.1f} million mails a month, what runs all the time is cheaper than "
        "`examples/prod` with the native API."
    )


def _by_mail(costs: Costs) -> str:
    flows = {flow: list(costs.of_mails(flow, MILLION)) for flow in GATEWAYS}
    names = dict.fromkeys(line.price for lines in flows.values() for line in lines)
    found = {flow: {line.price: line for line in lines} for flow, lines in flows.items()}
    rows = [
        (
            costs.inputs["prices"][name][1],
            *(
                part
                for flow in GATEWAYS
                for part in (
                    (f"{found[flow][name].quantity:,.2f}", money(costs.dollars(found[flow][name])))
                    if name in found[flow]
                    else ("", "")
                )
            ),
        )
        for name in names
    ]
    rows.append(
        ("**together**", *(part for flow in GATEWAYS for part in ("", f"**{money(costs.total(flows[flow]))}**")))
    )
    head = ("for a million mails", *(part for flow in GATEWAYS for part in (f"{flow}: number", f"{flow}: price")))
    return "## A million mails\n\n" + markdown.table(head, rows)


def _by_month(costs: Costs) -> str:
    parts = [
        f"### {TITLES[shape]}: {money(costs.total(lines))} a month\n\n"
        + markdown.table(
            ("what", "how many", "price"),
            [(costs.inputs["prices"][line.price][1], line.note, money(costs.dollars(line))) for line in lines],
        )
        for shape in ("least", "prod", "containers")
        if (lines := list(costs.standing(shape)))
    ]
    return "## What stands still\n\nA month without a single mail.\n\n" + "\n".join(parts)


def _starts(costs: Costs) -> str:
    [init_ms] = [
        one["value"] for one in json.loads(MEASURED.read_text())["coldstart"]["values"] if one["key"] == "init"
    ]
    dollars = costs.dollars(Line("function_gb_s", costs.billed_gb_s(init_ms, 0.0, MILLION)))
    return "## Cold starts\n\n" + STARTS.format(init_ms=init_ms, price=money(dollars), share=money(dollars / 100))


def _figures(costs: Costs) -> str:
    measured, assumed = costs.inputs["measured"], costs.inputs["assumed"]
    functions = [
        (markdown.code(name), f"{told['cpu_ms']:g}", f"{told['table_calls']:g}", "yes" if told["hands_over"] else "no")
        for name, told in measured["functions"].items()
    ]
    by_flow = [
        (what, *(f"{measured[flow][key]:g}" for flow in GATEWAYS))
        for key, what in (
            ("write_units", "write units"),
            ("read_units", "read units"),
            ("function_calls", "calls of functions"),
            ("queue_calls", "calls of SQS"),
        )
    ]
    return "\n".join(
        [
            "## Figures\n",
            f"{measured['source']}\n",
            markdown.table(
                ("function, for a mail", "CPU ms, warm", "calls of the table, one after another", "asks a provider"),
                functions,
            ),
            markdown.table(("for a mail", *GATEWAYS), by_flow),
            (
                f"A mail has {measured['events']:g} events, {measured['table_bytes']:,} bytes in the table for "
                f"{costs.inputs['retention_days']} days, and {measured['log_bytes']:,} bytes of log.\n"
            ),
            ASSUMED.format(full=FULL_CPU_MB, **assumed),
        ]
    )


def _prices(costs: Costs) -> str:
    rows = [
        (f"{price:.10g}", unit, f"[{page.split('/')[3]}]({page})")
        for price, unit, page in costs.inputs["prices"].values()
    ]
    return f"## Prices\n\n{PRICES}\n\n" + markdown.table(("dollars", "for a", "page"), rows)


def money(dollars: float) -> str:
    return f"${dollars:,.2f}" if dollars < 100 else f"${dollars:,.0f}"
