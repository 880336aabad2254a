"""Bar charts as SVG: no script, no font of their own, readable on light and on dark pages."""

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

WIDTH = 760
LABEL = 230  # for the names on the left
VALUE = 110  # for the figures on the right
ROW = 26
BAR = 16
TOP = 52
BOTTOM = 14
LEAST = 2  # so that there is something to see

STYLE = """\
text { font: 13px system-ui, sans-serif; fill: #1f2328; }
.title { font-size: 15px; font-weight: 600; }
.note { font-size: 12px; fill: #59636e; }
.page { fill: #ffffff; }
.bar { fill: #8c959f; }
.ours { fill: #0969da; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; }
  .note { fill: #9198a1; }
  .page { fill: #0d1117; }
  .bar { fill: #656c76; }
  .ours { fill: #4493f8; }
}"""


@dataclass(frozen=True)
class Chart:
    title: str
    note: str
    bars: Mapping[str, float]
    ours: str  # the bar that stands out
    digits: int = 0


def svg(chart: Chart) -> str:
    """One bar a line, as long as its share of the greatest, with its figure beside it."""
    height = TOP + ROW * len(chart.bars) + BOTTOM
    greatest = max(chart.bars.values(), default=0) or 1
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
        f"<title>{escape(chart.title)}</title>",
        f"<style>\n{STYLE}\n</style>",
        f'<rect class="page" width="{WIDTH}" height="{height}" rx="6"/>',
        f'<text class="title" x="16" y="24">{escape(chart.title)}</text>',
        f'<text class="note" x="16" y="42">{escape(chart.note)}</text>',
    ]
    for place, (name, value) in enumerate(chart.bars.items()):
        lines += _bar(chart, name, value / greatest, TOP + ROW * place)
    return "\n".join([*lines, "</svg>"]) + "\n"


def _bar(chart: Chart, name: str, share: float, top: int) -> list[str]:
    length = max(LEAST, round(share * (WIDTH - LABEL - VALUE), 1))
    kind = "bar ours" if name == chart.ours else "bar"
    baseline = top + BAR
    figure = f"{chart.bars[name]:,.{chart.digits}f}"
    return [
        f'<text x="{LABEL - 10}" y="{baseline}" text-anchor="end">{escape(name)}</text>',
        f'<rect class="{kind}" x="{LABEL}" y="{top + 3}" width="{length}" height="{BAR}" rx="2"/>',
        f'<text x="{LABEL + length + 8}" y="{baseline}">{figure}</text>',
    ]
