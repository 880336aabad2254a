// A drill: an outage by a script, watched while it runs, with a report to keep.

import { fill, h } from "./dom.js";
import { poll } from "./live.js";
import { save } from "./saving.js";
import { lasting, span } from "./times.js";
import { badge, counted } from "./words.js";

const LOOK_MS = 1000;
const WHEN_OVER_MS = 10_000;
const PATH = "/v1/sandbox/drill";
const OVER = new Set(["done", "stopped"]);

const LOOKS = {
  running: { word: "running", shape: "arrow", tone: "calm", means: "Mail is handed in." },
  settling: { word: "settling", shape: "half", tone: "calm", means: "The last mails become final." },
  good: { word: "passed", shape: "dot", tone: "good", means: "Nothing was lost and nothing was sent twice." },
  bad: { word: "failed", shape: "cross", tone: "bad", means: "Something was lost, sent twice or not acknowledged." },
  stopped: { word: "stopped", shape: "square", tone: "warn", means: "It was stopped before its end." },
};

/** @param {import("./frame.js").Place} place  @returns {HTMLElement} */
export function drillCard(place) {
  const shown = h("div", { class: "drill" });
  const stage = h("span");
  const run = h("button", { class: "first", onclick: () => act(() => place.api.post(PATH, {}), "The drill runs") }, "Run the drill");
  const stop = h("button", { hidden: true, onclick: () => act(() => place.api.delete(PATH), "Stopped") }, "Stop it");
  const keep = h("button", { hidden: true, onclick: () => report(place) }, "Save the report");
  let view = drawing(shown);
  const look = async (signal) => {
    const drill = await latest(place, signal);
    place.calm();
    const isOver = !drill || OVER.has(drill.figures.state);
    run.disabled = !isOver || !place.may("startDrill");
    stop.hidden = isOver;
    keep.hidden = !drill || !isOver;
    fill(stage, drill ? badge(LOOKS[drill.figures.state === "done" ? (drill.is_good ? "good" : "bad") : drill.figures.state]) : null);
    if (drill) view(drill);
    return isOver ? WHEN_OVER_MS : LOOK_MS;
  };
  let looking = new AbortController();
  const watch = () => {
    looking.abort();
    looking = new AbortController();
    const signal = AbortSignal.any([looking.signal, place.signal]);
    poll(() => look(signal), LOOK_MS, signal, place.trouble);
  };
  const act = async (call, words) => {
    try {
      await call();
      view = drawing(shown);
      place.say(words);
      watch();
    } catch (error) {
      place.trouble(error);
    }
  };
  watch();
  return h("section", { class: "card", "aria-label": "Drill" },
    h("div", { class: "card-head" }, h("h2", {}, "Run the drill"), stage),
    h("p", { class: "quiet" }, "Ten mails a second through this server for 48 s, while the first provider refuses connections, ",
      "never answers and drops them, and recovers in between. What arrives is counted at the providers."),
    h("div", { class: "actions" }, run, stop, keep),
    shown);
}

/** The latest drill; null: none was run. */
async function latest(place, signal) {
  try {
    return (await place.api.get(PATH, {}, signal)).body;
  } catch (error) {
    if (error.problem?.code === "not_found") return null;
    throw error;
  }
}

async function report(place) {
  try {
    save(await place.api.file(`${PATH}/report`), "everpost-drill.html");
  } catch (error) {
    place.trouble(error);
  }
}

/** What draws a drill into an element, and again: elements that are there stay, so that nothing flickers. */
function drawing(into) {
  const done = h("progress", { max: 1, value: 0, "aria-label": "Progress of the drill" });
  const verdict = h("p", { class: "verdict" });
  const numbers = h("dl", { class: "numbers" });
  const throughput = h("img", {});
  const waiting = h("img", {});
  const parts = h("tbody");
  let before = "";
  return ({ verdict: words, figures, charts }) => {
    if (!done.isConnected) {
      fill(into, done, verdict, numbers, h("h3", {}, "Who took the mail"), wide("Who took the mail", throughput),
        h("h3", {}, "How long each mail waited"), wide("How long each mail waited", waiting), table(figures.first, parts));
    }
    done.setAttribute("value", OVER.has(figures.state) ? 1 : Math.min(figures.elapsed_s / figures.planned_s, 0.99));
    const now = JSON.stringify(figures);
    if (now === before) return;
    before = now;
    fill(verdict, words);
    fill(numbers, facts(figures).map(([name, fact]) => h("div", {}, h("dt", {}, name), h("dd", {}, fact))));
    show(throughput, charts.throughput, `Mails a second: ${figures.accounts.map((one) => `${one.mails} by ${one.provider}`).join(", ")}`);
    show(waiting, charts.waiting, "How long each mail waited; the table has the figures");
    fill(parts, figures.parts.map(row));
  };
}

function facts({ total, on_the_way: left, failover_max_s: failover }) {
  return [
    ["Acknowledged", `${total.acknowledged} of ${total.mails}`],
    ["Handed over", total.acknowledged - total.lost - left],
    ["Lost", total.lost],
    ["Sent twice", total.duplicated],
    ["Slowest failover", failover === null ? "none yet" : lasting(failover * 1000)],
  ];
}

function show(image, svg, words) {
  image.alt = words;
  image.src = `data:image/svg+xml,${encodeURIComponent(svg)}`;
}

/** What may be wider than the screen, and is scrolled by itself. */
function wide(words, child) {
  return h("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": words }, child);
}

function table(first, body) {
  const titles = [`${first} …`, "Mails", "Taken by", "Lost", "Twice", "Failover", "Longest wait"];
  return wide("Part by part",
    h("table", {}, h("thead", {}, h("tr", {}, titles.map((title) => h("th", { scope: "col" }, title)))), body));
}

function row(part) {
  const by = Object.entries(part.sent_by).map(([name, number]) => `${name} ${number}`).join(", ");
  return h("tr", {},
    h("th", { scope: "row", class: part.is_fault ? "broken" : null }, part.title,
      h("span", { class: "quiet" }, `, from ${span(Math.round(part.from_s))}`)),
    [counted(part.acknowledged, "mail"), by, part.lost, part.duplicated,
      part.failover_s === null ? "" : lasting(part.failover_s * 1000), lasting(part.handed_over_max_ms)]
      .map((fact) => h("td", {}, fact)));
}
