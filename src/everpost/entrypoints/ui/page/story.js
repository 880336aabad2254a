// The story of a mail, told from its events: a pure function from facts to steps.

/**
 * A step. `kind` "attempt" has what the account was asked and said; the others are single facts.
 * @typedef {{kind: string, at: string, data: Object<string, any>, account?: string, outcome?: string, why?: string,
 *   ended?: Object<string, any>, resolved?: Object<string, any>, skipped?: {account: string, reason: string}[]}} Step
 */

const ENDINGS = new Set(["email.sent", "email.failed", "email.held", "email.deferred", "email.uncertain"]);
const PREFIX = "dev.everpost.";

/** @param {string} type of an event, with its prefix */
export function shortType(type) {
  return type.startsWith(PREFIX) ? type.slice(PREFIX.length) : type;
}

/** @param {{type: string, time: string, data: Object<string, any>}[]} events  @returns {Step[]} */
export function steps(events) {
  const told = [];
  const running = new Map();
  for (const event of events) {
    const { data, time: at } = event;
    const type = shortType(event.type);
    const attempt = running.get(`${data.delivery_id} ${data.number}`);
    if (type === "email.attempted") {
      const step = { kind: "attempt", at, data, account: data.account, why: data.why, outcome: "running" };
      step.skipped = data.skipped ?? [];
      running.set(`${data.delivery_id} ${data.number}`, step);
      told.push(step);
    } else if (ENDINGS.has(type) && data.outcome && attempt) {
      attempt.outcome = data.outcome;
      attempt.ended = data;
      if (type === "email.deferred" && data.until_at) told.push(waits(at, data));
    } else if (type === "email.deferred") {
      told.push(waits(at, data));
    } else {
      told.push({ kind: type, at, data, account: data.account });
    }
  }
  return told;
}

function waits(at, data) {
  return { kind: "email.deferred", at, data, skipped: data.skipped ?? [] };
}
