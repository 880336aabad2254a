// What is shown once: a secret, with a button to copy it.

import { copyButton } from "./copying.js";
import { h } from "./dom.js";

/** @param {import("./frame.js").Place} place  @param {{title: string, words: string, secret: string, done: () => void}} told */
export function secretCard(place, { title, words, secret, done }) {
  const heading = h("h2", { tabindex: "-1" }, title);
  queueMicrotask(() => heading.focus());
  return h("section", { class: "card secret", "aria-label": title },
    h("div", { class: "card-head" }, heading, copyButton(() => secret, place.say)),
    h("p", {}, words),
    h("pre", { tabindex: "0" }, secret),
    h("div", { class: "actions" }, h("button", { type: "button", onclick: done }, "I have kept it")));
}
