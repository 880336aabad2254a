// Instants and durations in the reader's own zone and language.

import { h } from "./dom.js";

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const DAY = new Intl.DateTimeFormat(undefined, { day: "2-digit", month: "short" });
const WHOLE = new Intl.DateTimeFormat(undefined, { dateStyle: "long", timeStyle: "long" });

/** An instant of the API as an element: the clock today, and the day before it on other days. */
export function when(instant) {
  if (!instant) return h("span", { class: "quiet" }, "never");
  const at = new Date(instant);
  const clock = CLOCK.format(at);
  const text = at.toDateString() === new Date().toDateString() ? clock : `${DAY.format(at)}, ${clock}`;
  return h("time", { datetime: instant, title: WHOLE.format(at) }, text);
}

/** Milliseconds in the unit that fits: "38 ms", "1.2 s". */
export function lasting(ms) {
  if (ms === null || ms === undefined) return "";
  return ms < 1000 ? `${Math.round(ms)} ms` : span(ms / 1000);
}

/** Seconds in the unit that fits: "1.2 s", "5 min", "72 h". */
export function span(seconds) {
  if (seconds < 120) return `${Number(seconds.toFixed(1))} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 3600)} h`;
}
