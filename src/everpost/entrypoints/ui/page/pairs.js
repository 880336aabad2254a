// Rows of the form in which names and values are entered: headers, metadata.

import { h } from "./dom.js";
import { labelled } from "./recipients.js";

/** @typedef {{name: string, value: string, field: HTMLElement}} Pair  `field` is where the name is entered */

/** Rows that can grow, none at first. `changed` is called after each change.
 *  @param {{id: string, legend: string, hint: string, add: string}} words  @param {() => void} changed
 *  @returns {{element: HTMLElement, read: () => Pair[]}} */
export function pairRows({ id, legend, hint, add }, changed) {
  const rows = h("ol", { class: "pairs" });
  const more = h("button", { type: "button", onclick: () => grow().querySelector("input").focus() }, add);
  let made = 0;

  const grow = () => {
    made += 1;
    const input = (part, label) => labelled(`${id}-${part}-${made}`, label, h("input", {
      id: `${id}-${part}-${made}`, autocomplete: "off", spellcheck: "false", oninput: changed,
    }));
    const row = h("li", { class: "pair-row" }, input("name", "Name"), input("value", "Value"), h("button", {
      type: "button", class: "plain remove", onclick: () => shrink(row), "aria-label": `Remove row ${made} of ${legend}`,
    }, "Remove"));
    rows.append(row);
    return row;
  };

  const shrink = (row) => {
    row.remove();
    more.focus();
    changed();
  };

  const read = () => [...rows.children].map((row) => {
    const [name, value] = row.querySelectorAll("input");
    return { name: name.value.trim(), value: value.value, field: name };
  }).filter((pair) => pair.name || pair.value);

  const element = h("fieldset", {}, h("legend", {}, legend), h("p", { class: "hint" }, hint), rows, more);
  return { element, read };
}
