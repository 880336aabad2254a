// A chart over time: areas on top of each other or lines, marks of moments, an axis and a legend. What it shows at a
// moment is told in words as one points at it, or goes through it with the arrow keys; all of it is there as a table.

import { area, barsPath, largest, line, linePath, LOOKS, scale, swatch } from "./chart.js";
import { fill, h, s } from "./dom.js";

/**
 * @typedef {{name: string, values: (number|null)[], look?: number}} Column  a series; null: nothing is known
 * @typedef {{at: number, words: string}} Mark  what happened in a bucket, by its place
 * @typedef {{starts: string[], bucketS: number, columns: Column[], marks?: Mark[]}} Shown
 */

const HEIGHT = 168;
const TOP = 14; // room for the marks
const LEFT = 44; // for the numbers of the axis
const BELOW = 22; // for the times
const LABEL = 76; // from one time to the next, at least …
const LABEL_END = 50; // … and from the last one to the end
let charts = 0;

/**
 * @param {string} title
 * @param {{stacked?: boolean, whole?: boolean, steps?: number[], most?: number, told: (value: number) => string, empty: string}} options
 *   `stacked`: bars on top of each other, else lines; `whole`, `steps`: of the scale; `most`: its least end;
 *   `told`: a value in words; `empty`: what is said where nothing is known
 * @returns {{element: HTMLElement, show: (shown: Shown) => void}}
 */
export function timeChart(title, options) {
  const id = `chart-${(charts += 1)}`;
  const state = { shown: null, at: null, width: 0 };
  const parts = {
    legend: h("ul", { class: "legend" }),
    plot: h("div", { class: "plot" }),
    moment: h("input", { type: "range", min: "0", step: "1", "aria-label": `${title}: a moment` }),
    readout: h("p", { class: "readout", "aria-hidden": "true" }),
    table: h("div", { class: "table", tabindex: "0", role: "region", "aria-label": `${title}, as a table` }),
  };
  const details = h("details", { ontoggle: () => tell() }, h("summary", {}, "As a table"), parts.table);
  const draw = () => state.shown && state.width && fill(parts.plot, plot(state, options), parts.moment);
  const tell = () => details.open && state.shown && fill(parts.table, table(title, state.shown, options));
  const move = (at) => {
    state.at = at;
    const words = at === null ? "" : inWords(state.shown, at, options);
    fill(parts.readout, words || hint(state.shown, options));
    parts.moment.setAttribute("aria-valuetext", words || "no moment");
    parts.plot.querySelector(".moment")?.setAttribute("d", at === null ? "M0 0" : momentPath(state, at));
  };
  parts.moment.addEventListener("input", () => move(Number(parts.moment.value)));
  parts.moment.addEventListener("focus", () => state.shown && move(state.at ?? Number(parts.moment.value)));
  parts.moment.addEventListener("blur", () => state.shown && move(null));
  parts.plot.addEventListener("pointermove", (event) => state.shown && move(placeOf(event, parts.plot, state)));
  parts.plot.addEventListener("pointerleave", () => state.shown && move(document.activeElement === parts.moment ? state.at : null));
  new ResizeObserver(([entry]) => {
    state.width = Math.floor(entry.contentRect.width);
    draw();
  }).observe(parts.plot);
  const element = h("figure", { class: "card chart", "aria-labelledby": id },
    h("figcaption", {}, h("h2", { id }, title)), parts.legend, parts.plot, parts.readout, details);
  return {
    element,
    show(shown) {
      const isSame = state.shown?.starts.length === shown.starts.length;
      state.shown = shown;
      parts.moment.max = String(shown.starts.length - 1);
      if (!isSame) parts.moment.value = parts.moment.max;
      const isTold = options.stacked || shown.columns.length > 1; // a line alone is what the title says
      fill(parts.legend, !isTold ? null : shown.columns.map((column, at) => h("li", {}, swatch(look(column, at), !options.stacked), column.name)));
      draw();
      move(isSame ? state.at : null);
      tell();
    },
  };
}

const look = (column, at) => (column.look ?? at) % LOOKS;
const isEmpty = (shown) => !shown.marks?.length && shown.columns.every((column) => column.values.every((value) => !value));

function hint(shown, options) {
  return isEmpty(shown) ? options.empty : "Point at the chart, or use the arrow keys, to read a moment.";
}

// --- the picture ----------------------------------------------------------------------------------------------------

function plot({ shown, width }, options) {
  const { starts, columns, marks = [] } = shown;
  const step = (width - LEFT) / starts.length;
  const most = options.stacked ? largest(starts.map((_, at) => sum(columns, at))) : Math.max(0, ...columns.map((one) => largest(one.values)));
  const axis = scale(Math.max(most, options.most ?? 0), options);
  const y = (value) => TOP + (HEIGHT - TOP) * (1 - value / axis.max);
  const middle = (at) => LEFT + (at + 0.5) * step;
  return s("svg", { width, height: HEIGHT + BELOW, viewBox: `0 0 ${width} ${HEIGHT + BELOW}`, "aria-hidden": "true" },
    axis.marks.map((value) => [
      s("path", { class: "grid", d: `M${LEFT} ${y(value)}H${width}` }),
      s("text", { class: "axis", x: LEFT - 6, y: y(value) + 4, "text-anchor": "end" }, options.told(value)),
    ]),
    times(shown, width, step),
    options.stacked ? bars(columns, step, y) : columns.map((column, at) => line(look(column, at), linePath(column.values, middle, y))),
    runs(marks).map(({ first, last }) => mark(middle(first), middle(last))),
    s("path", { class: "moment", d: "M0 0" }));
}

/** Marks side by side are one: where it begins is marked, and how far it goes. */
function runs(marks) {
  const found = [];
  for (const { at } of marks) {
    if (found.at(-1)?.last === at - 1) found.at(-1).last = at;
    else found.push({ first: at, last: at });
  }
  return found;
}

function mark(from, to) {
  return [
    s("path", { class: "mark-line", d: `M${from} ${TOP}V${HEIGHT}` }),
    s("path", { class: "mark-head", d: `M${from - 5} 2H${Math.max(to, from + 5)}v3H${from + 3.5}l-3.5 6z` }),
  ];
}

function bars(columns, step, y) {
  const gap = step > 8 ? 2 : step > 3 ? 1 : 0;
  let low = columns[0]?.values.map(() => 0) ?? [];
  return columns.map((column, at) => {
    const high = low.map((value, place) => value + (column.values[place] ?? 0));
    const group = area(look(column, at), barsPath(low, high, (place) => LEFT + place * step + gap / 2, step - gap, y));
    low = high;
    return group;
  });
}

function times(shown, width, step) {
  const every = Math.max(1, Math.ceil((LABEL * shown.starts.length) / (width - LEFT)));
  const name = clock(shown.bucketS);
  const isShown = (at) => at % every === 0 && (shown.starts.length - at) * step > LABEL_END;
  return shown.starts.map((start, at) => (!isShown(at) ? null
    : s("text", { class: "axis", x: LEFT + at * step, y: HEIGHT + 16 }, name.format(new Date(start)))));
}

/** Clocks for hours, days for weeks. */
function clock(bucketS) {
  return new Intl.DateTimeFormat(undefined, bucketS < 3600 ? { hour: "2-digit", minute: "2-digit" } : { day: "numeric", month: "short" });
}

function placeOf(event, element, { shown, width }) {
  const step = (width - LEFT) / shown.starts.length;
  const at = Math.floor((event.clientX - element.getBoundingClientRect().left - LEFT) / step);
  return Math.min(Math.max(at, 0), shown.starts.length - 1);
}

function momentPath({ shown, width }, at) {
  const step = (width - LEFT) / shown.starts.length;
  return `M${LEFT + at * step} ${TOP}h${step}V${HEIGHT}h${-step}z`;
}

const sum = (columns, at) => columns.reduce((total, column) => total + (column.values[at] ?? 0), 0);

// --- the same in words ----------------------------------------------------------------------------------------------

const MOMENT = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });

function inWords(shown, at, options) {
  const values = shown.columns.filter((column) => (options.stacked ? column.values[at] : column.values[at] !== null))
    .map((column) => `${column.name} ${options.told(column.values[at])}`);
  const marks = (shown.marks ?? []).filter((mark) => mark.at === at).map((mark) => mark.words);
  return `${MOMENT.format(new Date(shown.starts[at]))}: ${[...(values.length ? values : ["nothing"]), ...marks].join("; ")}`;
}

/** The latest first; moments of which nothing is known are left out. */
function table(title, shown, options) {
  const hasMarks = Boolean(shown.marks?.length);
  const rows = shown.starts.map((start, at) => ({ start, at })).reverse()
    .filter(({ at }) => shown.columns.some((column) => column.values[at]) || shown.marks?.some((mark) => mark.at === at));
  if (!rows.length) return h("p", { class: "quiet" }, options.empty);
  return h("table", {}, h("caption", { class: "unseen" }, title),
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Time"), shown.columns.map((column) => h("th", { scope: "col" }, column.name)),
      hasMarks ? h("th", { scope: "col" }, "What happened") : null)),
    h("tbody", {}, rows.map(({ start, at }) => h("tr", {},
      h("th", { scope: "row" }, MOMENT.format(new Date(start))),
      shown.columns.map((column) => h("td", {}, column.values[at] === null ? "–" : options.told(column.values[at]))),
      hasMarks ? h("td", {}, shown.marks.filter((mark) => mark.at === at).map((mark) => mark.words).join("; ")) : null))));
}
