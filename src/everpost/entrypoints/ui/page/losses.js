// What a mail may lose at a provider that has no place for it: in words, and as a part of a form.

import { fill, h } from "./dom.js";
import { choice } from "./forms.js";
import { labelled } from "./recipients.js";
import { listed } from "./words.js";

/** By the API's name: in words, and whether a mail puts up with it where nobody says otherwise.
 *  @type {Object<string, [string, boolean]>} */
const LOSSES = {
  tags: ["tags", true], metadata: ["metadata", true], message_id: ["its own Message-ID", true],
  inline_names: ["names of inline files", true], file_types: ["types of files", true], file_names: ["letters of file names", false],
  calendar: ["answers to an invitation", false], headers: ["headers", false],
};
const SAYS = [["", "What the route allows"], ["none", "Nothing"], ["these", "These, and what the route names"]];

/** @param {string[]} names of the API */
export const losses = (names) => listed(names.map((name) => LOSSES[name]?.[0] ?? name)) || "nothing";

/** @param {() => void} changed is called after each change
 *  @returns {{elements: HTMLElement[], field: HTMLElement, read: () => string[]|null}} null: nothing is said */
export function lossChoice(changed) {
  const boxes = h("fieldset", {}, h("legend", {}, "It may lose"), h("div", { class: "choices" },
    Object.entries(LOSSES).map(([name, [words, isUsual]]) => h("label", { class: "choice" },
      h("input", { type: "checkbox", value: name, checked: isUsual, onchange: changed }), words))));
  const turned = () => {
    fill(below, field.value === "these" ? boxes : null);
    changed();
  };
  const below = h("div");
  const field = choice({ id: "allow-loss", onchange: turned }, SAYS);
  const named = () => [...boxes.querySelectorAll(":checked")].map((box) => box.value);
  const read = () => ({ none: [], these: named() })[field.value] ?? null;
  const words = "Where a provider has no place for all of it; other accounts are skipped.";
  return { elements: [labelled("allow-loss", "What it may lose on the way", field, words), below], field, read };
}
