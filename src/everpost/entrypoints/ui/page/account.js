// One account, as a card: its circuit, how it did lately, its last error, what waits for it, and what may be turned.

import { sparkline } from "./chart.js";
import { focusLater, h } from "./dom.js";
import { compared, reasoned } from "./reasons.js";
import { lasting, span, when } from "./times.js";
import { circuit, counted, listed } from "./words.js";

const UNITS = { second: "this second", day: "today", month: "this month" };
const LOW = 0.1; // of a quota
const VERDICTS = { works: "good", refused: "bad", unreachable: "bad", unclear: "warn", unasked: "calm" };

/**
 * @typedef {{place: import("./frame.js").Place, look: () => Promise<void>, account: Object<string, any>,
 *   figures?: Object<string, any>, probed?: Object<string, any>, tell: (probed: Object<string, any>) => void}} Shown
 *   `figures`: its columns of the last hour; `probed`: what the last probe from here has told, given to `tell`
 */

/** @param {Shown} shown */
export function accountCard(shown) {
  const { account, figures, probed } = shown;
  const { circuit: told } = account;
  return h("section", { class: "card account" },
    h("div", { class: "card-head" }, h("h3", {}, account.name), circuit(told.state)),
    h("p", { class: "quiet" }, account.provider, account.is_default ? " · goes first on the default route" : null),
    standing(told, account.last_error),
    charts(account, figures),
    errorOf(account),
    quotas(account.quota),
    h("dl", { class: "facts" },
      fact("Waiting", account.waiting ? `${counted(account.waiting, "mail")} for it` : "no mail"),
      fact("Last success", when(account.ok_at)),
      account.failures ? fact("Failures in a row", account.failures) : null,
      account.failing_since ? fact("Failing since", when(account.failing_since)) : null,
      fact("Under way", `${account.in_flight} of at most ${account.max_concurrency}`),
      account.senders.length ? fact("Sends from", account.senders.join(", ")) : null,
      account.recipients.length ? fact("Writes only to", account.recipients.join(", ")) : null,
      records(account.records), delivering(account.delivering)),
    probed ? h("p", { class: `probed ${VERDICTS[probed.verdict] ?? "calm"}` }, h("b", {}, "Probe, "), when(probed.at), ": ", probed.text,
      probed.latency_ms === null ? null : ` (${lasting(probed.latency_ms)})`) : null,
    h("div", { class: "actions" }, turns(shown)));
}

function fact(name, value) {
  return h("div", {}, h("dt", {}, name), h("dd", {}, value));
}

function standing(told, lastError) {
  const words = [
    told.reason && told.reason !== lastError ? `${told.reason}. ` : null,
    told.state === "open" && told.until ? ["The next probe may go at ", when(told.until), ". "] : null,
    told.state === "closed" && told.share < 1 ? `It may take ${Math.round(told.share * 100)} % of the mail for now. ` : null,
  ].filter(Boolean);
  return words.length ? h("p", {}, words) : null;
}

/** Success and latency: the numbers in words, and their last hour as lines. */
function charts(account, figures) {
  const { recent } = account;
  const success = recent.share === null ? "no request lately"
    : `${percent(recent.share)} of ${(recent.ok + recent.failed).toLocaleString()} in ${span(recent.window_s)}`;
  const whole = figures?.whole ?? {};
  const rows = [
    spark("Success", success, figures?.success_share, { max: 1, label: `Success share of ${account.name}, the last hour` }),
    spark("Latency p50", lasting(whole.p50_ms) || "not known", figures?.p50_ms, { look: 2, label: `Median latency of ${account.name}, the last hour` }),
    spark("Latency p99", lasting(whole.p99_ms) || "not known", figures?.p99_ms, { look: 1, label: `Latency of the slowest of ${account.name}, the last hour` }),
  ];
  return h("dl", { class: "facts sparks" }, rows);
}

function spark(name, words, values, options) {
  const isKnown = values?.some((value) => value !== null);
  return fact(name, [h("span", {}, words), isKnown ? sparkline(values, options) : null]);
}

/** Never rounded up to all of it. */
function percent(share) {
  return `${Math.floor(share * 1000) / 10} %`;
}

function errorOf(account) {
  return account.last_error
    ? h("div", { class: "last-error" }, h("p", {}, h("b", {}, "Last error, "), when(account.last_error_at)),
      h("p", { class: "words" }, account.last_error))
    : h("p", { class: "quiet" }, "No error is known of it.");
}

function quotas({ limit, left }) {
  const units = Object.keys(UNITS).filter((unit) => unit in limit);
  if (!units.length) return h("p", { class: "quiet" }, "No quota is set.");
  return h("dl", { class: "facts quotas" }, units.map((unit) => {
    const rest = left[unit] ?? limit[unit];
    const words = `${rest.toLocaleString()} of ${limit[unit].toLocaleString()} left ${UNITS[unit]}`;
    return fact("Quota", [words, rest <= limit[unit] * LOW ? h("b", {}, rest ? ": nearly used up" : ": used up") : null,
      h("progress", { max: limit[unit], value: rest, "aria-label": words })]);
  }));
}

function records(told) {
  if (!told.looked_for) return null;
  const words = told.missing
    ? [`${told.missing} of the latest ${counted(told.looked_for, "mail")} missing since `, when(told.missing_since)]
    : [`${counted(told.looked_for, "mail")} looked for, none missing; shown within ${span(told.lag_s)}`];
  return fact("In its records", [words, told.unconfirmed ? h("b", {}, " It is in doubt, and gets little mail.") : null]);
}

function delivering(told) {
  if (!told.listened_for) return null;
  const words = `${percent(told.share)} of the latest ${counted(told.listened_for, "mail")}, ${percent(told.usual_share)} as a rule`;
  return fact("Delivered in time", [words, told.slow ? h("b", {}, " It is slow, and gets little mail.") : null]);
}

// --- what may be turned ---

function turns(shown) {
  const { account, place } = shown;
  const all = account.routes;
  const isPaused = all.length > 0 && all.every((one) => one.paused);
  const button = (verb, says, act) => h("button", {
    id: `${verb}-account-${account.name}`, "aria-label": `${says}: ${account.name}`, onclick: (event) => act(shown, event.currentTarget),
  }, says);
  return [
    place.may("probeAccount") ? button("probe", "Probe", probe) : null,
    isPaused && place.may("resumeAccount") ? button("resume", "Resume everywhere", (one) => turn(one, RESUME)) : null,
    all.length && !isPaused && place.may("pauseAccount") ? button("pause", "Pause everywhere", (one) => turn(one, PAUSE)) : null,
  ];
}

/** It changes nothing and sends nothing, so it is not confirmed. */
async function probe({ account, place, tell }, button) {
  const go = focusLater();
  button.disabled = true;
  place.say(`Asking ${account.provider}`);
  try {
    const { body } = await place.api.post(`/v1/accounts/${encodeURIComponent(account.name)}/probe`);
    tell({ ...body, at: new Date().toISOString() });
    go(document.getElementById(button.id));
    place.say(body.text);
  } catch (error) {
    place.trouble(error);
  } finally {
    button.disabled = false;
  }
}

const PAUSE = {
  verb: "pause", says: "Pause everywhere", done: "is paused", then: "paused",
  words: (name, routes) => `${name} will take no new mail of ${routes}. It keeps its places. Mail that its provider has, or may have, stays there.`,
};
const RESUME = {
  verb: "resume", says: "Resume everywhere", done: "is back", then: "in its place",
  words: (name, routes) => `${name} will take mail of ${routes} again, in its places.`,
};

async function turn({ account, place, look }, { verb, says, words, done, then }) {
  const routes = account.routes.map((one) => one.route);
  const on = routes.length === 1 ? `the route ${routes[0]}` : `the routes ${listed(routes)}`;
  const now = account.routes.map((one) => `${one.route}: ${one.paused ? "paused" : `number ${one.place}`}`);
  const given = await reasoned({
    title: `${says}: ${account.name}?`, yes: says,
    words: [h("p", {}, words(account.name, on)), compared(now.join(", "), routes.map((route) => `${route}: ${then}`).join(", "))],
  });
  if (!given) return;
  try {
    await place.api.post(`/v1/accounts/${encodeURIComponent(account.name)}/${verb}`, given);
    await look();
    place.say(`${account.name} ${done}`);
  } catch (error) {
    await look().catch(() => null);
    place.trouble(error);
  }
}
