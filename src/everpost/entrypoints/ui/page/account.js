// One account, as a card: its circuit, its last error, what it may still send, and what its provider's records say.

import { h } from "./dom.js";
import { span, when } from "./times.js";
import { circuit, counted } from "./words.js";

const UNITS = { second: "this second", day: "today", month: "this month" };
const LOW = 0.1; // of a quota

/** @param {Object<string, any>} account */
export function accountCard(account) {
  const { circuit: told } = account;
  return h("section", { class: "card account" },
    h("div", { class: "card-head" }, h("h3", {}, account.name), circuit(told.state)),
    h("p", { class: "quiet" }, account.provider, account.is_default ? " · goes first on the default route" : null),
    standing(told, account.last_error),
    errorOf(account),
    quotas(account.quota),
    h("dl", { class: "facts" },
      fact("Last success", when(account.ok_at)),
      account.failures ? fact("Failures in a row", account.failures) : null,
      account.failing_since ? fact("Failing since", when(account.failing_since)) : null,
      fact("Under way", `${account.in_flight} of at most ${account.max_concurrency}`),
      account.senders.length ? fact("Sends from", account.senders.join(", ")) : null,
      account.recipients.length ? fact("Writes only to", account.recipients.join(", ")) : null,
      records(account.records)));
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
