"""Charts of a drill as SVG: who took how many mails in each second, and how long each mail waited.

They stand in the report as they are, and on the page as images; so they bring their colours for light and dark along,
and tell providers apart by texture, too.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from html import escape
from typing import Final

from everpost.entrypoints.dev.figures import Figures

_WIDTH, _HEIGHT = 960, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 950, 40, 268
_WAIT_MS_MIN, _WAIT_MS_MAX = 1.0, 100_000.0
_STYLE: Final = """
.ink{fill:#1d1f1e}.quiet{fill:#5c5f5a}text{font:12px system-ui,sans-serif}.axis{stroke:#dad6cb}
.fault{fill:#a5201a;fill-opacity:.09}.name{fill:#a5201a;font-weight:600}
.p0{fill:#0b8074;color:#0b8074}.p1{fill:#b26a00;color:#b26a00}.p2{fill:#5b4bb0;color:#5b4bb0}
.stripe{stroke:#fff;stroke-opacity:.55;stroke-width:2}
.line{fill:none;stroke:#1d1f1e;stroke-width:1.5;stroke-dasharray:4 3}
.dots{fill:none;stroke:currentColor;stroke-width:4;stroke-linecap:round;stroke-opacity:.65}
.dots.p1,.dots.p2{stroke-linecap:square}
@media(prefers-color-scheme:dark){.ink{fill:#ecebe6}.quiet{fill:#a9aca5}.axis{stroke:#353a37}
.fault{fill:#ff9b92;fill-opacity:.13}
.name{fill:#ff9b92}.p0{fill:#6fd0c0;color:#6fd0c0}.p1{fill:#e8b45c;color:#e8b45c}.p2{fill:#b9a9ff;color:#b9a9ff}
.stripe{stroke:#141615}.line{stroke:#ecebe6}}
"""
_STRIPES: Final = (
    '<defs><pattern id="stripes" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<path class="stripe" d="M0 0v6"/></pattern></defs>'
)
_LOOKS: Final = 3


def throughput(told: Figures) -> str:
    """Copies in each second, stacked by provider; dashed: mails that were acknowledged."""
    rows = told.handed_over_by_s
    seconds = len(told.accepted_by_s)
    stacked = [sum(row[second] for row in rows.values()) for second in range(seconds)]
    most = _round_up(max([*stacked, *told.accepted_by_s, 1]))
    step = (_RIGHT - _LEFT) / seconds

    def y(value: float) -> float:
        return _BOTTOM - value / most * (_BOTTOM - _TOP)

    bars, base = [], [0] * seconds
    for look, row in enumerate(rows.values()):
        path = "".join(
            f"M{_LEFT + second * step + step * 0.1:.1f} {y(base[second]):.1f}v{y(value) - _BOTTOM:.1f}h{step * 0.8:.1f}"
            f"v{_BOTTOM - y(value):.1f}z"
            for second, value in enumerate(row)
            if value
        )
        bars += [f'<path class="p{look % _LOOKS}" d="{path}"/>'] if path else []
        bars += [f'<path fill="url(#stripes)" d="{path}"/>'] if path and look % _LOOKS else []
        base = [low + value for low, value in zip(base, row, strict=True)]
    steps = "".join(f"V{y(value):.1f}h{step:.2f}" for value in told.accepted_by_s)
    line = f'<path class="line" d="M{_LEFT} {_BOTTOM}{steps}"/>'
    marks = [(value, f"{value:g}") for value in (0, most / 2, most)]
    words = f"Mails a second, {', '.join(f'{each.mails} by {each.provider}' for each in told.accounts)}"
    legend = _legend([*rows], "acknowledged")
    return _svg(words, told, [*_marks(marks, y), *bars, line, legend])


def waiting(told: Figures, waits: Iterable[tuple[float, str, float]]) -> str:
    """A dot for each mail: when it was handed in, and how long until a provider had it, on a scale of powers of ten."""
    seconds, providers = len(told.accepted_by_s), [*told.handed_over_by_s]
    decades = math.log10(_WAIT_MS_MAX / _WAIT_MS_MIN)

    def y(wait_ms: float) -> float:
        within = min(max(wait_ms, _WAIT_MS_MIN), _WAIT_MS_MAX)
        return _BOTTOM - math.log10(within / _WAIT_MS_MIN) / decades * (_BOTTOM - _TOP)

    dots: dict[str, list[str]] = {provider: [] for provider in providers}
    for at_s, provider, wait_ms in waits:
        dots[provider].append(f"M{_LEFT + at_s / seconds * (_RIGHT - _LEFT):.1f} {y(wait_ms):.1f}h0")
    paths = [
        f'<path class="dots p{look % _LOOKS}" d="{"".join(dots[provider])}"/>'
        for look, provider in enumerate(providers)
        if dots[provider]
    ]
    marks = [(1, "1 ms"), (10, "10 ms"), (100, "0.1 s"), (1000, "1 s"), (10_000, "10 s"), (100_000, "100 s")]
    words = f"How long each mail waited, at most {_longest_s(told):.1f} s"
    return _svg(words, told, [*_marks(marks, y), *paths, _legend(providers)])


def _longest_s(told: Figures) -> float:
    return max((part.handed_over_max_ms for part in told.parts), default=0.0) / 1000


def _svg(words: str, told: Figures, inside: Sequence[str]) -> str:
    seconds = len(told.accepted_by_s)
    step = next((step for step in (1, 2, 5, 10, 20, 30, 60) if seconds / step <= 12), 120)
    return "".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">',
            f"<title>{escape(words)}</title><style>{_STYLE}</style>",
            _STRIPES,
            *_faults(told, seconds),
            *inside,
            *(_text(_x(at, seconds), _BOTTOM + 18, f"{at} s", "middle") for at in range(0, seconds, step)),
            "</svg>",
        ]
    )


def _faults(told: Figures, seconds: int) -> list[str]:
    """The times in which the first provider failed."""
    drawn = []
    for part in told.parts:
        if part.is_fault:
            left, right = _x(part.from_s, seconds), _x(min(part.to_s, seconds), seconds)
            band = (
                f'<rect class="fault" x="{left:.1f}" y="{_TOP}" width="{right - left:.1f}" height="{_BOTTOM - _TOP}"/>'
            )
            drawn += [band, _text(left + 2, _TOP - 6, part.title.split(",")[-1].strip(), "start", "name")]
    return drawn


def _x(at_s: float, seconds: int) -> float:
    return _LEFT + at_s / seconds * (_RIGHT - _LEFT)


def _marks(marks: Iterable[tuple[float, str]], y: Callable[[float], float]) -> list[str]:
    return [
        f'<path class="axis" d="M{_LEFT} {y(value):.1f}H{_RIGHT}"/>' + _text(_LEFT - 6, y(value) + 4, words, "end")
        for value, words in marks
    ]


def _legend(providers: Sequence[str], line: str = "") -> str:
    drawn, x = [], float(_LEFT)
    for look, provider in enumerate(providers):
        box = f'x="{x:.0f}" y="6" width="12" height="12"'
        drawn.append(f'<rect class="p{look % _LOOKS}" {box}/>')
        drawn += [f'<rect fill="url(#stripes)" {box}/>'] if look % _LOOKS else []
        drawn.append(_text(x + 17, 16, provider, "start", "ink"))
        x += 40 + 7 * len(provider)
    if line:
        drawn += [f'<path class="line" d="M{x:.0f} 12h18"/>', _text(x + 24, 16, line, "start", "ink")]
    return "".join(drawn)


def _text(x: float, y: float, words: str, anchor: str, look: str = "quiet") -> str:
    return f'<text class="{look}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def _round_up(value: int) -> int:
    """To an even number that is easy to read."""
    unit = max(2, 2 * 10 ** (len(str(value)) - 2)) if value > 9 else 2
    return -(-value // unit) * unit
