// Overview: what each account carried over time, what failed, when mail went elsewhere, and how long it waits.

import { sparkline } from "./chart.js";
import { fill, h } from "./dom.js";
import { poll } from "./live.js";
import { timeChart } from "./timechart.js";
import { lasting, span } from "./times.js";
import { counted, listed } from "./words.js";

const LOOK_MS = 5000;
const RANGES = {
  "15m": "15 minutes", "1h": "1 hour", "6h": "6 hours", "24h": "24 hours", "7d": "7 days", "30d": "30 days",
};
const USUAL = "1h";
const KINDS = { refused: "refused", throttled: "throttled", unavailable: "unavailable", unknown: "no clear answer", rejected: "rejected mail" };

const WAITS_S = [1, 5, 15, 30, 60, 300, 900, 1800, 3600, 7200, 21_600, 43_200, 86_400];

const number = (value) => value.toLocaleString();
const percent = (share) => `${(share * 100).toLocaleString(undefined, { maximumFractionDigits: share > 0.9 && share < 1 ? 1 : 0 })} %`;

/** @param {import("./frame.js").Place} place */
export function showOverview(place) {
  const range = RANGES[place.query.get("range")] ? place.query.get("range") : USUAL;
  const charts = {
    sent: timeChart("Mail taken, by account", { stacked: true, whole: true, told: number, empty: `No account took a mail within ${RANGES[range]}.` }),
    failures: timeChart("Failures, by kind", { stacked: true, whole: true, told: number, empty: `Nothing failed within ${RANGES[range]}.` }),
    age: timeChart("Longest wait of due mail", { most: 4, steps: WAITS_S, told: span, empty: "No mail was seen to wait." }),
    delivered: timeChart("Delivered, of what providers told", { most: 1, told: percent, empty: "No provider has told what became of its mail." }),
  };
  const tiles = h("dl", { class: "tiles" });
  const accounts = h("div");
  const all = [tiles, charts.sent.element, h("div", { class: "halves even" }, charts.failures.element, charts.age.element),
    charts.delivered.element, accounts];
  fill(place.body, ranges(range));
  let before = "";
  const look = async () => {
    const told = (await place.api.get("/v1/series", { range }, place.signal)).body;
    place.calm();
    const now = JSON.stringify(told);
    if (now === before) return;
    if (!before) place.body.append(...all);
    before = now;
    fill(tiles, totals(told));
    for (const [name, columns] of Object.entries(COLUMNS)) {
      charts[name].show({ starts: told.starts, bucketS: told.bucket_s, columns: columns(told), marks: name === "sent" ? marks(told) : [] });
    }
    fill(accounts, table(told, RANGES[range]));
  };
  poll(look, LOOK_MS, place.signal, place.trouble);
}

function ranges(chosen) {
  return h("nav", { class: "ranges", "aria-label": "How far back" }, Object.entries(RANGES).map(([range, words]) =>
    h("a", { href: `#/overview?range=${range}`, "aria-current": range === chosen ? "true" : null, "aria-label": `The last ${words}` }, range)));
}

// --- what is told, as charts show it --------------------------------------------------------------------------------

const shownAs = (account) => (account === "*" ? "all others" : account);
const total = (values) => values.reduce((sum, value) => sum + (value ?? 0), 0);
const together = (accounts, column) => accounts.length
  ? column(accounts[0]).map((_, at) => accounts.reduce((sum, one) => sum + column(one)[at], 0)) : [];
const taken = (account) => account.sent.map((sent, at) => sent + account.held[at] + account.found[at]);

const COLUMNS = {
  sent: ({ accounts }) => accounts.map((one, look) => ({ name: shownAs(one.account), look, values: taken(one) })).filter(({ values }) => total(values)),
  failures: ({ accounts }) => Object.entries(KINDS).map(([kind, name], look) => ({ name, look, values: together(accounts, (one) => one.failures[kind]) }))
    .filter(({ values }) => total(values)),
  age: ({ queue_age_s }) => [{ name: "longest wait", values: queue_age_s }],
  delivered: ({ accounts }) => accounts.map((one, look) => ({ name: shownAs(one.account), look, values: shares(one) }))
    .filter(({ values }) => values.some((value) => value !== null)),
};

function shares({ delivered, bounced }) {
  return delivered.map((here, at) => (here + bounced[at] ? here / (here + bounced[at]) : null));
}

/** Moments at which mail went elsewhere, or a circuit opened or closed. */
function marks({ starts, accounts }) {
  const those = (column, at) => listed(accounts.filter((one) => one[column][at]).map((one) => shownAs(one.account)));
  return starts.map((_, at) => {
    const moved = total(accounts.map((one) => one.failovers_to[at]));
    const words = [
      moved ? `failover of ${counted(moved, "attempt")} from ${those("failovers_from", at)} to ${those("failovers_to", at)}` : null,
      those("opened", at) ? `${those("opened", at)} takes no more mail` : null,
      those("closed", at) ? `${those("closed", at)} takes mail again` : null,
    ].filter(Boolean);
    return words.length ? { at, words: words.join("; ") } : null;
  }).filter(Boolean);
}

function totals(told) {
  const { accounts } = told;
  const heard = total(accounts.flatMap((one) => [...one.delivered, ...one.bounced]));
  const waits = told.queue_age_s.filter((age) => age !== null);
  const moved = together(accounts, (one) => one.failovers_to);
  const failed = together(accounts, (one) => Object.values(one.failures).reduce((sum, column) => sum.map((value, at) => value + column[at]), one.sent.map(() => 0)));
  return [
    tile("Accepted", number(total(told.totals.accepted)), told.totals.accepted, 0),
    tile("Sent", number(total(told.totals.sent)), told.totals.sent, 0),
    tile("Failed attempts", number(total(failed)), failed, 3),
    tile("Failovers", number(total(moved)), moved, 1),
    tile("Longest wait", waits.length ? span(Math.max(...waits)) : "none", told.queue_age_s, 4),
    tile("Delivered", heard ? percent(total(accounts.flatMap((one) => one.delivered)) / heard) : "not told", null, 0),
  ];
}

function tile(name, words, values, look) {
  return h("div", { class: "card tile" }, h("dt", {}, name), h("dd", {}, words,
    values?.length ? sparkline(values, { label: `${name} over time`, look }) : null));
}

function table({ accounts }, range) {
  if (!accounts.length) return null;
  return h("section", { class: "card" }, h("h2", {}, `Accounts over ${range}`),
    h("div", { class: "table", tabindex: "0", role: "region", "aria-label": "Accounts" }, h("table", {},
      h("thead", {}, h("tr", {}, ["Account", "Taken", "Failed", "Success", "Half within", "99 % within", "Delivered", "Bounced", "Complaints"].map((name) =>
        h("th", { scope: "col" }, name)))),
      h("tbody", {}, accounts.map((one) => h("tr", {}, h("th", { scope: "row" }, shownAs(one.account)),
        [number(total(taken(one))), number(total(Object.values(one.failures).flat())),
          one.whole.success_share === null ? "–" : percent(one.whole.success_share),
          lasting(one.whole.p50_ms) || "–", lasting(one.whole.p99_ms) || "–",
          number(total(one.delivered)), number(total(one.bounced)), number(total(one.complained))].map((words) => h("td", {}, words))))))));
}
