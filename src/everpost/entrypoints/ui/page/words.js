// What states are called, and how they look: a word, a shape and a tone each, so that colour alone says nothing.

import { h, shape } from "./dom.js";

/** @typedef {{word: string, shape: string, tone: string, means: string}} Look */

/** @type {Object<string, Look>} */
export const STATES = {
  queued: { word: "queued", shape: "ring", tone: "calm", means: "It will be handed over." },
  sending: { word: "sending", shape: "arrow", tone: "calm", means: "A provider may be reading it now." },
  uncertain: {
    word: "uncertain", shape: "diamond", tone: "warn",
    means: "A provider may have it: the answer is missing. Everpost asks before it sends it anywhere else.",
  },
  sent: { word: "sent", shape: "dot", tone: "good", means: "A provider has it." },
  failed: { word: "failed", shape: "cross", tone: "bad", means: "No provider will take it, or its time is over." },
  cancelled: { word: "cancelled", shape: "bar", tone: "calm", means: "It was cancelled while it was queued." },
  held: {
    word: "held", shape: "square", tone: "warn",
    means: "Parked at the provider, or nobody can tell whether one has it: a person decides, or what it tells later.",
  },
};

/** States that Everpost never leaves by itself. */
export const FINAL = new Set(["sent", "failed", "cancelled", "held"]);

/** @type {Object<string, Look>} */
export const OUTCOMES = {
  accepted: { word: "accepted", shape: "dot", tone: "good", means: "The provider has it." },
  held: { word: "held", shape: "square", tone: "warn", means: "The provider has it and has parked it." },
  rejected: { word: "rejected", shape: "cross", tone: "bad", means: "No provider would take it." },
  refused: { word: "refused", shape: "cross", tone: "warn", means: "This account will not take it." },
  throttled: { word: "throttled", shape: "half", tone: "warn", means: "Too much for this account just now." },
  unavailable: { word: "unavailable", shape: "triangle", tone: "warn", means: "Certainly not taken." },
  unknown: { word: "unknown", shape: "diamond", tone: "warn", means: "It may have been taken." },
  running: { word: "running", shape: "arrow", tone: "calm", means: "The answer is waited for." },
};

/** @type {Object<string, Look>} */
export const CIRCUITS = {
  closed: { word: "takes mail", shape: "dot", tone: "good", means: "Its circuit is closed." },
  half_open: { word: "on trial", shape: "half", tone: "warn", means: "Its circuit is half open: one probe at a time." },
  open: { word: "takes no mail", shape: "square", tone: "bad", means: "Its circuit is open." },
};

/** @type {Object<string, Look>} */
const RECIPIENTS = {
  pending: STATES.queued,
  sent: STATES.sent,
  rejected: { word: "rejected", shape: "cross", tone: "bad", means: "No provider will take it." },
  cancelled: STATES.cancelled,
  held: STATES.held,
  suppressed: { word: "suppressed", shape: "bar", tone: "warn", means: "It must not be written to, and was left out." },
  deferred: { word: "deferred", shape: "half", tone: "calm", means: "The provider goes on trying." },
  delivered: { word: "delivered", shape: "dot", tone: "good", means: "The receiving server has it." },
  bounced: { word: "bounced", shape: "cross", tone: "bad", means: "The receiving server will not have it." },
  complained: { word: "complained", shape: "triangle", tone: "bad", means: "The recipient calls it spam." },
  unsubscribed: { word: "unsubscribed", shape: "bar", tone: "warn", means: "The recipient wants no more mail." },
};

const KIB = 1024;
const UNHEARD = { shape: "ring", tone: "calm", means: "" };

/** @param {Look} look */
export function badge(look) {
  return h("span", { class: `badge ${look.tone}`, title: look.means || null }, shape(look.shape), look.word);
}

export const state = (name) => badge(STATES[name] ?? { ...UNHEARD, word: name });
export const outcome = (name) => badge(OUTCOMES[name] ?? { ...UNHEARD, word: name });
export const circuit = (name) => badge(CIRCUITS[name] ?? { ...UNHEARD, word: name });
export const recipientState = (name) => badge(RECIPIENTS[name] ?? { ...UNHEARD, word: name });

/** "1 mail", "3 mails" */
export function counted(number, noun) {
  return `${number.toLocaleString()} ${noun}${number === 1 ? "" : "s"}`;
}

/** A size in the unit that fits: "1 byte", "12 KiB". */
export function bytes(number) {
  if (number === null) return "of unknown size"; // it lies elsewhere
  return number < KIB ? counted(number, "byte") : `${Math.ceil(number / KIB).toLocaleString()} KiB`;
}

/** A name with its address, as people write it. */
export function person(address) {
  return address.name ? `${address.name} <${address.email}>` : address.email;
}

/** Several things in a row of words: "a, b and c". */
export function listed(words) {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}
