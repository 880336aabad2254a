// Questions that have to be answered before anything else, and words that are read and put away.

import { h } from "./dom.js";

/** Asks before a change; true: do it. Escape is no.
 *  @param {{title: string, words: any[], yes: string, no?: string}} question
 *  @returns {Promise<boolean>} */
export function confirmed({ title, words, yes, no = "Leave it as it is" }) {
  return new Promise((resolve) => {
    const dialog = opened(title, words, (close) => [
      h("button", { onclick: () => close("no"), autofocus: true }, no),
      h("button", { class: "first", onclick: () => close("yes") }, yes),
    ]);
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"));
  });
}

/** Shows some words until they are closed. */
export function told(title, words) {
  opened(title, words, (close) => [h("button", { class: "first", onclick: () => close("") }, "Close")]);
}

function opened(title, words, buttons) {
  const dialog = h("dialog", { "aria-labelledby": "question" });
  dialog.append(h("h2", { id: "question" }, title), h("div", { class: "words" }, words),
    h("div", { class: "actions" }, buttons((answer) => dialog.close(answer))));
  document.body.append(dialog);
  dialog.addEventListener("close", () => dialog.remove());
  dialog.showModal();
  return dialog;
}
