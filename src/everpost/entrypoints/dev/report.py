"""The report of a drill: one HTML file that needs nothing else and runs nothing."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Final

from everpost import __version__
from everpost.entrypoints.dev import charts
from everpost.entrypoints.dev.figures import Figures, PartFigures

_STYLE: Final = """
:root{color-scheme:light dark;--line:#dad6cb;--quiet:#5c5f5a;--good:#0b655b;--bad:#a5201a;--paper:#fff;--ink:#1d1f1e}
@media(prefers-color-scheme:dark){:root{--line:#353a37;--quiet:#a9aca5;--good:#6fd0c0;--bad:#ff9b92;--paper:#141615;
--ink:#ecebe6}}
body{font:16px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem;background:var(--paper);
color:var(--ink);font-variant-numeric:tabular-nums}
h1{font-size:1.6rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .5rem}.quiet{color:var(--quiet);font-size:.875rem}
.verdict{font-size:1.2rem;font-weight:600}.good{color:var(--good)}.bad{color:var(--bad)}
dl{display:grid;grid-template-columns:repeat(auto-fit,minmax(8rem,1fr));gap:1rem;margin:1.5rem 0}
dt{color:var(--quiet);font-size:.875rem}dd{margin:0;font-size:1.6rem;font-weight:600}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.9rem}
th,td{padding:.35rem .75rem .35rem 0;border-bottom:1px solid var(--line);text-align:right;white-space:nowrap}
th:first-child,td:first-child{text-align:left}tr.fault td:first-child{color:var(--bad);font-weight:600}
svg{width:100%;height:auto}
"""
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"


def render(told: Figures, waits: Sequence[tuple[float, str, float]]) -> str:
    at = datetime.fromtimestamp(told.started_at, UTC)
    look = "good" if is_good(told) else "bad"
    return "".join(
        [
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            f"<title>Everpost drill, {at:%Y-%m-%d %H:%M}</title>",
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<style>{_STYLE}</style></head><body><main><h1>Everpost drill</h1>",
            f'<p class="quiet">{at:%d %B %Y, %H:%M:%S} UTC, Everpost {escape(__version__)}, {told.elapsed_s:.0f} s</p>',
            f'<p class="verdict {look}">{escape(verdict(told))}</p>',
            _numbers(told),
            f"<h2>Who took the mail</h2>{charts.throughput(told)}",
            f"<h2>How long each mail waited</h2>{charts.waiting(told, waits)}",
            f"<h2>Part by part</h2>{_parts(told)}<h2>By provider</h2>{_providers(told)}",
            f"<h2>How this was found</h2><p>{escape(_method(told))}</p></main></body></html>",
        ]
    )


def is_good(told: Figures) -> bool:
    return told.is_over and told.total.is_good


def verdict(told: Figures) -> str:
    """In a sentence."""
    total = told.total
    if not told.is_over:
        return f"{total.acknowledged} mails acknowledged so far, {told.on_the_way} on their way."
    if is_good(told):
        return f"{total.acknowledged} mails acknowledged, all of them handed over, each of them once."
    refused = total.mails - total.acknowledged
    return f"This must not happen: {total.lost} lost, {total.duplicated} sent twice, {refused} not acknowledged."


def _numbers(told: Figures) -> str:
    total = told.total
    failover = "none" if told.failover_max_s is None else f"{told.failover_max_s:.2f} s"
    rows = {
        "Acknowledged": f"{total.acknowledged} of {total.mails}",
        "Handed over": str(total.acknowledged - total.lost - told.on_the_way),
        "Lost": str(total.lost),
        "Sent twice": str(total.duplicated),
        "Slowest failover": failover,
    }
    return "<dl>" + "".join(f"<div><dt>{name}</dt><dd>{fact}</dd></div>" for name, fact in rows.items()) + "</dl>"


def _parts(told: Figures) -> str:
    titles = (
        f"{told.first} …",
        *("seconds", "mails", "taken by", "lost", "twice", "failover", "wait p50", "wait p99", "longest wait"),
    )
    return _table(titles, ((_part(part), "fault" if part.is_fault else "") for part in told.parts))


def _part(part: PartFigures) -> Sequence[str]:
    return (
        part.title,
        f"{part.from_s:.1f}–{part.to_s:.1f}",  # noqa: RUF001 - as ranges are written
        f"{part.acknowledged}",
        ", ".join(f"{name} {number}" for name, number in part.sent_by.items()),
        f"{part.lost}",
        f"{part.duplicated}",
        "" if part.failover_s is None else f"{part.failover_s:.2f} s",
        *(_lasting(ms) for ms in (part.handed_over_p50_ms, part.handed_over_p99_ms, part.handed_over_max_ms)),
    )


def _providers(told: Figures) -> str:
    rows = [
        ((each.provider, f"{each.mails}", f"{each.mails / told.elapsed_s:.1f}", f"{each.busiest_s}"), "")
        for each in told.accounts
    ]
    return _table(("provider", "mails", "a second on average", "in its busiest second"), rows)


def _table(titles: Sequence[str], rows: Iterable[tuple[Sequence[str], str]]) -> str:
    head = "".join(f'<th scope="col">{escape(title)}</th>' for title in titles)
    body = "".join(
        f'<tr class="{look}">' + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>" for cells, look in rows
    )
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _lasting(ms: float) -> str:
    return f"{ms:.0f} ms" if ms < 1000 else f"{ms / 1000:.1f} s"


def _method(told: Figures) -> str:
    return (
        f"Everpost was given {told.per_s} mails a second, whatever happened, while the sandbox provider {told.first} "
        "failed by a script. What was lost or sent twice is counted at the sandbox providers, by the ids of the mails: "
        "nothing that Everpost says of itself is taken for proof. A mail's wait is from handing it in to its first "
        "copy at a provider; a failover from the beginning of the fault to the first of its mails that another "
        "provider had. Sandbox providers speak the real protocols, on this machine; times on the Internet are longer."
    )
