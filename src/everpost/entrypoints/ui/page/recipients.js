// The rows of the form in which recipients are entered, and whom answers go to.

import { fill, h } from "./dom.js";

const KINDS = [["to", "To"], ["cc", "Cc"], ["bcc", "Bcc"], ["reply_to", "Reply-To"]];

/** Rows that can grow. `changed` is called after each change.
 *  @returns {{element: HTMLElement, read: () => {kind: string, email: string, name: string, field: HTMLElement}[]}} */
export function recipientRows(changed) {
  const rows = h("ol", { class: "recipients" });
  let made = 0;

  const add = (kind) => {
    made += 1;
    const row = h("li", { class: "recipient" },
      labelled(`kind-${made}`, "Kind", h("select", { id: `kind-${made}`, name: "kind", onchange: changed },
        KINDS.map(([value, word]) => h("option", { value, selected: value === kind }, word)))),
      labelled(`email-${made}`, "Address", h("input", {
        id: `email-${made}`, name: "email", inputmode: "email", autocomplete: "off", spellcheck: "false", oninput: changed,
      })),
      labelled(`name-${made}`, "Name (optional)", h("input", {
        id: `name-${made}`, name: "name", autocomplete: "off", oninput: changed,
      })),
      h("button", { type: "button", class: "plain remove", onclick: () => remove(row) }, "Remove"));
    rows.append(row);
    renumber();
    return row;
  };

  const remove = (row) => {
    const next = row.nextElementSibling ?? row.previousElementSibling;
    row.remove();
    if (!rows.children.length) add("to");
    renumber();
    (next ?? rows.firstElementChild).querySelector("[name=email]").focus();
    changed();
  };

  const renumber = () => [...rows.children].forEach((row, at) =>
    row.querySelector("button").setAttribute("aria-label", `Remove recipient ${at + 1}`));

  const more = () => {
    const last = rows.lastElementChild?.querySelector("[name=kind]").value ?? "to";
    add(last).querySelector("[name=email]").focus();
    changed();
  };

  add("to");
  const element = h("fieldset", {}, h("legend", {}, "Recipients, and where answers go"), rows,
    h("button", { type: "button", onclick: more }, "Add a recipient"));
  const value = (row, name) => row.querySelector(`[name=${name}]`).value.trim();
  return {
    element,
    read: () => [...rows.children].map((row) => ({
      kind: value(row, "kind"), email: value(row, "email"), name: value(row, "name"),
      field: row.querySelector("[name=email]"),
    })).filter((one, at, all) => one.email || one.name || all.length === 1),
  };
}

/** A field below its label, with room for what is wrong with it.
 *  @param {string} id  @param {string} label  @param {HTMLElement} field  @param {string} [hint] */
export function labelled(id, label, field, hint = "") {
  const words = h("span", { class: "hint", id: `${id}-hint` }, hint);
  const fault = h("span", { class: "fault", id: `${id}-fault` });
  field.setAttribute("aria-describedby", `${id}-hint ${id}-fault`);
  return h("div", { class: "field" }, h("label", { for: id }, label), field, hint ? words : null, fault);
}

/** Says what is wrong with a field, or with empty words that nothing is. */
export function mark(field, words) {
  const fault = document.getElementById(`${field.id}-fault`);
  if (words) field.setAttribute("aria-invalid", "true");
  else field.removeAttribute("aria-invalid");
  if (fault) fill(fault, words);
}
