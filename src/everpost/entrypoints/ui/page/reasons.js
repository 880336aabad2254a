// Changes that are confirmed, and told with a reason to those who read the trail.

import { h } from "./dom.js";

const REASON_CHARS_MAX = 500; // as the API takes it

/** Asks before a change, and why it is made; null: leave it as it is. Escape is no.
 *  @param {{title: string, words: any[], yes: string, no?: string}} question
 *  @returns {Promise<{reason: string|undefined}|null>} the reason as the API takes it: undefined, if none was given */
export function reasoned({ title, words, yes, no = "Leave it as it is" }) {
  return new Promise((resolve) => {
    let given = null;
    const input = h("input", { id: "why", autocomplete: "off", maxlength: REASON_CHARS_MAX, "aria-describedby": "why-hint" });
    const done = (event) => {
      event.preventDefault();
      given = { reason: input.value.trim() || undefined };
      dialog.close();
    };
    const dialog = h("dialog", { "aria-labelledby": "change" }, h("form", { class: "form", onsubmit: done },
      h("h2", { id: "change" }, title),
      h("div", { class: "words" }, words),
      h("div", { class: "field" }, h("label", { for: "why" }, "Why (optional)"), input,
        h("p", { class: "hint", id: "why-hint" }, "It is recorded as an event, with your key's name. No addresses, please.")),
      h("div", { class: "actions" },
        h("button", { type: "button", onclick: () => dialog.close() }, no), h("button", { class: "first" }, yes))));
    document.body.append(dialog);
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(given);
    });
    dialog.showModal();
  });
}

/** What stands now, and what will: two lists of facts.
 *  @param {string} now  @param {string} then */
export function compared(now, then) {
  return h("dl", { class: "facts" },
    h("div", {}, h("dt", {}, "Now"), h("dd", {}, now)),
    h("div", {}, h("dt", {}, "Then"), h("dd", {}, then)));
}
