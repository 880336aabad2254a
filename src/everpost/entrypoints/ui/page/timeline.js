// A mail's story as people read it, and kept up to date while they do.

import { fill, h, shape } from "./dom.js";
import { poll } from "./live.js";
import { shortType, steps } from "./story.js";
import { lasting, when } from "./times.js";
import { counted, FINAL, listed, outcome, OUTCOMES } from "./words.js";

const WHILE_MOVING_MS = 1000;
const WHEN_FINAL_MS = 20_000; // what its provider's records say may come later
const EVENTS_MAX = 1000;

const VERDICTS = {
  found: ["dot", "good", "The provider has it", "It was asked what became of the mail, and has it."],
  absent: ["ring", "calm", "The provider has it not", "It was asked, far enough apart, and has it not."],
  unresolved: ["diamond", "warn", "Nobody can tell", "The provider could not be asked, or gave no certainty in time."],
};

/** By kind of step: its shape, tone and title, and its words. */
const FACTS = {
  "email.accepted": (data) => ["dot", "good", "Accepted", [
    `On disk, for ${counted(data.recipients, "recipient")} on the route ${data.route}. `,
    data.send_at ? ["Not to be sent before ", when(data.send_at), "."] : null]],
  "email.deferred": (data) => ["half", "calm", "Waits", [
    data.until_at ? ["Until ", when(data.until_at), ". "] : null, reason(data)]],
  "email.resolved": (data) => {
    const [picture, tone, title, words] = VERDICTS[data.verdict] ?? VERDICTS.unresolved;
    const then = data.action === "hold" ? " It is left to a person." : data.action === "resend" ? " It is sent again." : "";
    return [picture, tone, title, [`${words}${then} `, reason(data)]];
  },
  "email.sent": () => ["dot", "good", "Sent", ["A provider has it."]],
  "email.failed": (data) => ["cross", "bad", data.code === "expired" ? "Expired" : "Failed", [reason(data)]],
  "email.held": (data) => ["square", "warn", "Held", [reason(data), " A person decides."]],
  "email.uncertain": (data) => ["diamond", "warn", "Uncertain", [reason(data)]],
  "email.cancelled": (data) => ["bar", "calm", "Cancelled", [data.by ? `By ${data.by}. ` : null, reason(data)]],
  "email.suppressed": (data) => ["bar", "warn", "Left out", [
    `${counted(data.recipients, "recipient")} must not be written to.`]],
  "email.unconfirmed": (data) => ["diamond", "warn", "Not in the provider's records", [
    `Looked for until it was ${Math.round(data.after_s / 60)} min old. It stays sent: a person decides.`]],
};

/** @param {import("./story.js").Step[]} told */
export function timeline(told) {
  return h("ol", { class: "timeline", "aria-label": "Its story" }, told.map((step) =>
    (step.kind === "attempt" ? attempt(step) : fact(step))));
}

function fact(step) {
  const [picture, tone, title, words] = (FACTS[step.kind] ?? unheard)(step.data, step.kind);
  return h("li", { class: tone }, shape(picture), h("div", {},
    h("p", { class: "step" }, h("b", {}, title), " ", when(step.at)),
    h("p", {}, words), skipped(step.skipped)));
}

function unheard(data, kind) {
  return ["ring", "calm", kind, [JSON.stringify(data)]];
}

function attempt(step) {
  const look = OUTCOMES[step.outcome] ?? OUTCOMES.running;
  const ended = step.ended ?? {};
  const facts = [
    ["Why this account", step.why],
    ["Took", lasting(ended.latency_ms)],
    ["Status", ended.status],
    ["Its words", ended.text],
    ["Reason", ended.reason === ended.text ? "" : ended.reason],
    ["Its id of the mail", ended.provider_message_id],
  ];
  return h("li", { class: look.tone }, shape(look.shape), h("div", {},
    h("p", { class: "step" }, h("b", {}, `Attempt ${step.data.number}: ${step.account}`), " ", outcome(step.outcome), " ",
      when(step.at)),
    h("p", { class: "quiet" }, look.means),
    h("dl", { class: "facts" }, facts.filter(([, value]) => value || value === 0).map(([name, value]) =>
      h("div", {}, h("dt", {}, name), h("dd", {}, value)))),
    skipped(step.skipped)));
}

function skipped(accounts) {
  return accounts?.length
    ? h("p", { class: "quiet" }, "Skipped: ", listed(accounts.map((one) => `${one.account} (${one.reason})`)), ".")
    : null;
}

function reason(data) {
  return data.reason ? `${data.reason[0].toUpperCase()}${data.reason.slice(1)}.`.replace(/\.\.$/, ".") : null;
}

/** The story of a mail, kept up to date.
 *  @param {import("./app.js").Place} place
 *  @param {string} id
 *  @param {(mail: Object<string, any>) => void} changed  is told of each new state of the mail */
export function liveStory(place, id, changed) {
  const into = h("div", { class: "story", "aria-busy": "true" }, h("p", { class: "quiet" }, "Reading its story …"));
  let before = "";
  const look = async () => {
    const path = `/v1/emails/${encodeURIComponent(id)}`;
    const mail = (await place.api.get(path, {}, place.signal)).body;
    const query = { message: id, limit: EVENTS_MAX };
    const events = (await place.api.get("/v1/events", query, place.signal)).body.data;
    place.calm();
    const now = JSON.stringify([mail, events.map((event) => event.id)]);
    if (now !== before) {
      before = now;
      into.removeAttribute("aria-busy");
      fill(into, timeline(steps(events)));
      changed(mail);
    }
    return FINAL.has(mail.state) && events.some((event) => shortType(event.type) !== "email.accepted")
      ? WHEN_FINAL_MS : WHILE_MOVING_MS;
  };
  poll(look, WHILE_MOVING_MS, place.signal, place.trouble);
  return into;
}
