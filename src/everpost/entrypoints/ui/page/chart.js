// Values as pictures: a sparkline, and the parts of a plot. What a picture shows can always be read in words beside it.

import { s } from "./dom.js";

/** How many series look different: by colour, and by a texture (areas) or dashes (lines) for those who see no colours. */
export const LOOKS = 6;
const TEXTURES = [
  null,
  { size: 6, d: "M-1 7L7 -1M-1 1L1 -1M5 7L7 5" },
  { size: 5, d: "M2.5 1.2v2.6M1.2 2.5h2.6" },
  { size: 5, d: "M0 2.5h5" },
  { size: 5, d: "M2.5 0v5" },
  { size: 6, d: "M-1 -1L7 7M-1 7L7 -1" },
];
const DASHES = [null, "6 3", "2 3", "9 3 2 3", "1 4", "12 4"];
let made = 0; // patterns of this document, whose ids must differ

/**
 * A line of values without axes. It is a picture with a name: say in it what the line tells ("success of mailgun, 15
 * minutes: 99 %, lowest 80 %"). Where a value is null, the line has a gap; a value alone between gaps is a dot.
 * @param {(number|null)[]} values oldest first
 * @param {{label: string, min?: number, max?: number, look?: number, width?: number, height?: number}} options
 *   `min` and `max` of the scale; left out, they are 0 and the largest value. `look`: 0 to 5, a colour of the charts
 * @returns {SVGElement}
 */
export function sparkline(values, { label, min = 0, max = largest(values), look = 0, width = 120, height = 28 }) {
  const edge = 2;
  const x = (at) => edge + ((width - 2 * edge) * at) / Math.max(values.length - 1, 1);
  const y = (value) => height - edge - ((height - 2 * edge) * (Math.min(value, max) - min)) / (max - min || 1);
  return s("svg", { class: `sparkline look-${look}`, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label, preserveAspectRatio: "none" },
    s("path", { class: "line", d: linePath(values, x, y) }));
}

/** The largest of values, some of which may be missing. */
export function largest(values) {
  return values.reduce((most, value) => (value === null ? most : Math.max(most, value)), 0);
}

/** The path of a line with gaps. */
export function linePath(values, x, y) {
  const steps = values.map((value, at) => {
    if (value === null) return "";
    const isFirst = at === 0 || values[at - 1] === null;
    const isAlone = isFirst && (values[at + 1] ?? null) === null;
    return `${isFirst ? "M" : "L"}${round(x(at))} ${round(y(value))}${isAlone ? "h0.01" : ""}`;
  });
  return steps.join("");
}

/** The path of bars from `low` up to `high`, which are there where they have a height. */
export function barsPath(low, high, x, width, y) {
  const steps = high.map((top, at) => (top > low[at]
    ? `M${round(x(at))} ${round(y(low[at]))}V${round(y(top))}h${round(width)}V${round(y(low[at]))}z` : ""));
  return steps.join("");
}

/** The end of a scale that begins at 0, and the marks on it, by one of the given steps or else by a round one.
 *  `whole`: there are no halves. */
export function scale(most, { whole = false, steps = [] } = {}) {
  const rough = Math.max(most, whole ? 1 : 0.001) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const sizes = [...steps, ...[1, 2, 2.5, 5, 10].map((times) => times * power)];
  const step = sizes.find((size) => size >= rough && !(whole && size % 1)) ?? 1;
  const count = Math.max(1, Math.ceil(most / step - 1e-9));
  return { max: count * step, marks: Array.from({ length: count + 1 }, (_, at) => Number((at * step).toPrecision(12))) };
}

/** Areas of a look: its colour, and lines of the paper's colour in its texture. */
export function area(look, d) {
  const texture = TEXTURES[look];
  const id = `texture-${(made += 1)}`;
  return s("g", { class: `look-${look}` },
    s("path", { class: "area", d }),
    texture ? s("pattern", { id, width: texture.size, height: texture.size, patternUnits: "userSpaceOnUse" },
      s("path", { class: "texture", d: texture.d })) : null,
    texture ? s("path", { fill: `url(#${id})`, d }) : null);
}

/** A line of a look. */
export function line(look, d) {
  return s("g", { class: `look-${look}` }, s("path", { class: "line", d, "stroke-dasharray": DASHES[look] }));
}

/** The look of a series beside its name. */
export function swatch(look, isLine) {
  return s("svg", { class: "swatch", viewBox: "0 0 20 12", "aria-hidden": "true" },
    isLine ? line(look, "M0 6H20") : area(look, "M0 0H20V12H0z"));
}

const round = (number) => Math.round(number * 10) / 10;
