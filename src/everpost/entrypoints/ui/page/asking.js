// Questions with fields to fill in: a change is told with a reason to those who read the trail.

import { h } from "./dom.js";

const REASON_CHARS_MAX = 500; // as the API takes it

/** Asks for the fields' values; null: leave it as it is. Escape is no.
 *  @param {{title: string, words: any[], fields: HTMLElement[], yes: string, no?: string}} question  each field holds
 *    inputs with names
 *  @returns {Promise<Object<string, string>|null>} */
export function answered({ title, words, fields, yes, no = "Leave it as it is" }) {
  return new Promise((resolve) => {
    let given = null;
    const dialog = h("dialog", { "aria-labelledby": "asked" });
    const done = (event) => {
      event.preventDefault();
      given = Object.fromEntries([...new FormData(event.target)].map(([name, value]) => [name, value.trim()]));
      dialog.close();
    };
    dialog.append(h("form", { class: "form", onsubmit: done },
      h("h2", { id: "asked" }, title), h("div", { class: "words" }, words), fields,
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

/** Why a change is made. */
export function reasonField(required = true) {
  const input = h("input", { id: "why", name: "reason", maxlength: REASON_CHARS_MAX, autocomplete: "off", required, "aria-describedby": "why-hint" });
  return h("div", { class: "field" }, h("label", { for: "why" }, required ? "Why" : "Why (optional)"), input,
    h("p", { class: "hint", id: "why-hint" }, "It is recorded as an event, with your key's name. No addresses, please."));
}

export function timeField(label, required) {
  const input = h("input", { id: "at", name: "send_at", type: "datetime-local", required });
  return h("div", { class: "field" }, h("label", { for: "at" }, label), input,
    h("p", { class: "hint" }, "In your local time."));
}

/** One of several, by radio buttons: pairs of value and words. */
export function choiceField(legend, name, choices) {
  return h("fieldset", {}, h("legend", {}, legend), choices.map(([value, words], at) =>
    h("label", { class: "choice" }, h("input", { type: "radio", name, value, required: true, checked: at === 0 && choices.length === 1 }), words)));
}
