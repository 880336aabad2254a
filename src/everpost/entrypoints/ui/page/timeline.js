// A mail's story as people read it, and kept up to date while they do.

import { fill, h, shape } from "./dom.js";
import { poll } from "./live.js";
import { losses } from "./losses.js";
import { shortType, steps } from "./story.js";
import { lasting, when } from "./times.js";
import { counted, FINAL, listed, outcome, OUTCOMES, person } from "./words.js";

const WHILE_MOVING_MS = 1000;
const WHEN_FINAL_MS = 20_000; // at most: what its provider tells may come later, and most of it comes soon
const EVENTS_MAX = 1000;

const VERDICTS = {
  found: ["dot", "good", "The provider has it", "It was asked what became of the mail, and has it."],
  absent: ["ring", "calm", "The provider has it not", "It was asked, far enough apart, and has it not."],
  unresolved: ["diamond", "warn", "Nobody can tell", "The provider could not be asked, or gave no certainty in time."],
};

const DECIDED = {
  sent: "the provider has it.", failed: "it was not sent, and will not be.", resend: "it is to be sent again.",
};

/** By kind of step: its shape, tone and title, and its words. */
const FACTS = {
  "email.accepted": (data) => ["dot", "good", "Accepted", [
    `On disk, for ${counted(data.recipients, "recipient")} on the route ${data.route}. `,
    data.send_at ? ["Not to be sent before ", when(data.send_at), "."] : null,
    data.resend_of ? ["Made again of ", mailLink(data.resend_of), " by ", data.by, ". ", reason(data)] : null]],
  "email.rescheduled": (data) => ["half", "calm", "Moved", [
    "Not to be sent before ", when(data.send_at), `. By ${data.by}. `, reason(data)]],
  "email.resent": (data) => ["arrow", "calm", "Sent again", [
    "As a new mail, ", mailLink(data.as), `. By ${data.by}. `, reason(data)]],
  "email.deferred": (data) => ["half", "calm", "Waits", [
    data.until_at ? ["Until ", when(data.until_at), ". "] : null, reason(data)]],
  "email.resolved": (data) => {
    if (data.verdict === "decided") return ["square", "calm", "Decided by a person", [`${data.by}: ${DECIDED[data.action] ?? data.action} `, reason(data)]];
    const [picture, tone, title, words] = VERDICTS[data.verdict] ?? VERDICTS.unresolved;
    const then = data.action === "hold" ? " It is left to a person." : data.action === "resend" ? " It is sent again." : "";
    return [picture, tone, title, [`${words}${then} `, reason(data)]];
  },
  "email.sent": () => ["dot", "good", "Sent", ["A provider has it."]],
  "email.failed": (data) => ["cross", "bad", data.code === "expired" ? "Expired" : "Failed", [reason(data)]],
  "email.held": (data) => ["square", "warn", "Held", [reason(data), " A person decides, or what the provider tells later."]],
  "email.uncertain": (data) => ["diamond", "warn", "Uncertain", [reason(data)]],
  "email.cancelled": (data) => ["bar", "calm", "Cancelled", [data.by ? `By ${data.by}. ` : null, reason(data)]],
  "email.suppressed": (data) => ["bar", "warn", "Left out", [
    `${counted(data.recipients, "recipient")} must not be written to.`]],
  "email.unconfirmed": (data) => ["diamond", "warn", "Not in the provider's records", [
    `Looked for until it was ${Math.round(data.after_s / 60)} min old. It stays sent: a person decides.`]],
};

/** What a provider tells of a recipient, by kind: its shape, tone and title. */
const TOLD = {
  "recipient.queued": ["ring", "calm", "Taken"],
  "recipient.sent": ["arrow", "calm", "On its way"],
  "recipient.deferred": ["half", "calm", "Deferred"],
  "recipient.delivered": ["dot", "good", "Delivered"],
  "recipient.bounced": ["cross", "bad", "Bounced"],
  "recipient.rejected": ["cross", "bad", "Rejected"],
  "recipient.failed": ["cross", "bad", "Failed at the provider"],
  "recipient.complained": ["triangle", "bad", "Called spam"],
  "recipient.unsubscribed": ["bar", "warn", "Unsubscribed"],
  "recipient.resubscribed": ["ring", "calm", "Subscribed again"],
  "recipient.autoresponded": ["ring", "calm", "Answered by a machine"],
  "recipient.opened": ["ring", "good", "Opened"],
  "recipient.clicked": ["ring", "good", "A link was followed"],
  "suppression.added": ["bar", "warn", "Suppressed"],
};

/** @param {import("./story.js").Step[]} told  @param {{email: string, name: string}[]} recipients */
export function timeline(told, recipients) {
  return h("ol", { class: "timeline", "aria-label": "Its story" }, told.map((step) =>
    (step.kind === "attempt" ? attempt(step) : fact(step, recipients))));
}

function heard({ kind, data, account }, recipients) {
  const whose = recipients[data.place] ? `${person(recipients[data.place])}, ` : "";
  const told = [data.bounce && `a ${data.bounce} bounce`, data.reason, data.machine && `by a machine: ${data.machine}`, data.text];
  return [...TOLD[kind], [`${whose}as ${account} tells. ${told.filter(Boolean).join("; ")}`]];
}

function fact(step, recipients) {
  const [picture, tone, title, words] = step.kind in TOLD
    ? heard(step, recipients) : (FACTS[step.kind] ?? unheard)(step.data, step.kind);
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
    ["Lost there", step.data.lost && losses(step.data.lost)],
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

function mailLink(id) {
  return h("a", { href: `#/messages/${encodeURIComponent(id)}` }, id);
}

function reason(data) {
  return data.reason ? `${data.reason[0].toUpperCase()}${data.reason.slice(1)}.`.replace(/\.\.$/, ".") : null;
}

/** The story of a mail, kept up to date.
 *  @param {import("./frame.js").Place} place
 *  @param {string} id
 *  @param {(mail: Object<string, any>) => void} changed  is told of each new state of the mail */
export function liveStory(place, id, changed) {
  const into = h("div", { class: "story", "aria-busy": "true" }, h("p", { class: "quiet" }, "Reading its story …"));
  let before = "";
  let changedAt = 0;
  const look = async () => {
    if (before && !into.isConnected) return null; // another stands in its place
    const path = `/v1/emails/${encodeURIComponent(id)}`;
    const mail = (await place.api.get(path, {}, place.signal)).body;
    const query = { message: id, limit: EVENTS_MAX };
    const events = (await place.api.get("/v1/events", query, place.signal)).body.data;
    place.calm();
    const now = JSON.stringify([mail, events.map((event) => event.id)]);
    if (now !== before) {
      before = now;
      changedAt = performance.now();
      into.removeAttribute("aria-busy");
      fill(into, timeline(steps(events), mail.recipients));
      changed(mail);
    }
    if (!FINAL.has(mail.state) || events.every((event) => shortType(event.type) === "email.accepted")) return WHILE_MOVING_MS;
    return Math.min(Math.max(performance.now() - changedAt, WHILE_MOVING_MS), WHEN_FINAL_MS);
  };
  poll(look, WHILE_MOVING_MS, place.signal, place.trouble);
  return into;
}
