"""What the serverless shape costs: measured figures times list prices, both from cost.toml."""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

INPUTS: Final = Path(__file__).with_name("cost.toml")
MILLION: Final = 1_000_000
FULL_CPU_MB: Final = 1769  # at which a function has one CPU; CPU goes in proportion to memory
GATEWAYS: Final = {"original": "rest_calls", "native": "http_calls"}
PER_HOUR: Final = "_h"


class Line(NamedTuple):
    """So many of a thing in cost.toml's prices."""

    price: str
    quantity: float
    note: str = ""


class Costs:
    """Prices and figures, and what they come to."""

    def __init__(self, inputs: Mapping[str, Any]) -> None:
        self.inputs = inputs

    def dollars(self, line: Line) -> float:
        return line.quantity * float(self.inputs["prices"][line.price][0])

    def total(self, lines: Iterable[Line]) -> float:
        return sum(map(self.dollars, lines))

    def gb_s(self, function: str, mails: float) -> float:
        """Time on the CPU stretches where memory buys less than a whole one; waiting does not."""
        assumed, told = self.inputs["assumed"], self.inputs["measured"]["functions"][function]
        waited_ms = told["table_calls"] * assumed["table_ms"] + told["hands_over"] * assumed["provider_ms"]
        return self.billed_gb_s(told["cpu_ms"], waited_ms, mails)

    def billed_gb_s(self, cpu_ms: float, waited_ms: float, times: float) -> float:
        memory_mb = self.inputs["assumed"]["memory_mb"]
        return times * memory_mb / 1024 * (cpu_ms * FULL_CPU_MB / memory_mb + waited_ms) / 1000

    def of_mails(self, flow: str, mails: float) -> Iterator[Line]:
        """What `mails` cost beyond what stands there anyway."""
        measured = self.inputs["measured"]
        functions = measured[flow]["functions"]
        yield Line(GATEWAYS[flow], mails / MILLION)
        yield Line("function_calls", measured[flow]["function_calls"] * mails / MILLION)
        yield Line("function_gb_s", sum(self.gb_s(function, mails) for function in functions), ", ".join(functions))
        yield Line("write_units", measured[flow]["write_units"] * mails / MILLION)
        yield Line("read_units", measured[flow]["read_units"] * mails / MILLION)
        yield from self.kept(mails, "table_gb", "backup_gb")
        yield Line("queue_calls", measured[flow]["queue_calls"] * mails / MILLION)
        yield Line("stream_puts", measured["events"] * mails / MILLION)
        log_bytes = measured["log_bytes"] + self.inputs["assumed"]["access_log_bytes"]
        yield Line("log_gb", log_bytes * mails / 1e9)

    def kept(self, mails: float, *prices: str) -> Iterator[Line]:
        """Room for the mails of the days for which they are kept."""
        gb = self.inputs["measured"]["table_bytes"] * mails * self.inputs["retention_days"] / 30 / 1e9
        return (Line(price, gb) for price in prices)

    def standing(self, shape: str) -> Iterator[Line]:
        """What a month costs without a single mail."""
        for price, count in self.inputs["standing"][shape].items():
            yield Line(price, count * (self.inputs["hours"] if price.endswith(PER_HOUR) else 1), f"{count:g}")
        if shape != "containers":
            yield from self._clock()

    def _clock(self) -> Iterator[Line]:
        """What is called each minute and finds nothing."""
        minutes = self.inputs["hours"] * 60
        yield Line("function_calls", 2 * minutes / MILLION, "deliver and relay, each minute")
        yield Line("function_gb_s", self.gb_s("idle", 2 * minutes), "deliver and relay, each minute")
        yield Line("read_units", self.inputs["measured"]["idle_read_units"] * minutes / MILLION, "each minute")

    def month(self, shape: str, flow: str, mails: float) -> float:
        """All of a month, but for the providers."""
        use = self.kept(mails, "database_gb") if shape == "containers" else self.of_mails(flow, mails)
        return self.total(self.standing(shape)) + self.total(use) + self.total(self._by_the_way(shape, flow, mails))

    def _by_the_way(self, shape: str, flow: str, mails: float) -> Iterator[Line]:
        """What a network and a web ACL ask for what passes them."""
        standing = self.inputs["standing"][shape]
        if "nat_h" in standing:
            yield Line("nat_gb", self.inputs["assumed"]["mail_bytes"] * mails / 1e9)
        if "web_acls" in standing and flow == "original":
            yield Line("acl_calls", mails / MILLION)


def load() -> Costs:
    return Costs(tomllib.loads(INPUTS.read_text()))
