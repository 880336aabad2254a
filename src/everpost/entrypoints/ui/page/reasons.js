// Changes that are confirmed, and told with a reason to those who read the trail.

import { answered, reasonField } from "./asking.js";
import { h } from "./dom.js";

/** Asks before a change, and why it is made; null: leave it as it is. Escape is no.
 *  @param {{title: string, words: any[], yes: string, no?: string}} question
 *  @returns {Promise<{reason: string|undefined}|null>} the reason as the API takes it: undefined, if none was given */
export async function reasoned(question) {
  const given = await answered({ ...question, fields: [reasonField(false)] });
  return given && { reason: given.reason || undefined };
}

/** What stands now, and what will: two lists of facts.
 *  @param {string} now  @param {string} then */
export function compared(now, then) {
  return h("dl", { class: "facts" },
    h("div", {}, h("dt", {}, "Now"), h("dd", {}, now)),
    h("div", {}, h("dt", {}, "Then"), h("dd", {}, then)));
}
