// The form in which a webhook is described, new or known.

import { h } from "./dom.js";
import { submits } from "./forms.js";
import { labelled } from "./recipients.js";
import { TYPES } from "./types.js";

/** In whose words and by whose signature events are told. */
const FORMATS = { standard: "Standard Webhooks", sendgrid: "SendGrid", mailgun: "Mailgun", postmark: "Postmark", resend: "Resend", ses: "Amazon SES" };

/** @typedef {{id?: string, url: string, description: string, events: string[], accounts: string[], tags: string[], has_login?: boolean}} Description */

/** @param {import("./frame.js").Place} place  @param {Description} known
 *  @param {{title: string, says: string, act: (given: Description) => Promise<void>}} told  @returns {HTMLFormElement} */
export function webhookForm(place, known, { title, says, act }) {
  const input = (id, value, attributes = {}) => h("input", { id, value, autocomplete: "off", spellcheck: "false", ...attributes });
  const events = typeBoxes(known.events);
  const fields = {
    url: input("w-url", known.url, { inputmode: "url" }),
    description: input("w-description", known.description),
    ...(known.id ? {} : { format: formatChoice() }),
    login: input("w-login", ""),
    accounts: input("w-accounts", known.accounts.join(", ")),
    tags: input("w-tags", known.tags.join(", ")),
  };
  const read = () => ({
    ...(fields.format ? { format: fields.format.value } : {}),
    ...(fields.login.value ? { login: fields.login.value } : {}),
    url: fields.url.value.trim(),
    description: fields.description.value.trim(),
    events: [...events.querySelectorAll(":checked")].map((box) => box.value),
    accounts: listOf(fields.accounts.value),
    tags: listOf(fields.tags.value),
  });
  return h("form", { class: "card form", onsubmit: submits(place, fields, () => act(read())), novalidate: true, "aria-label": title },
    h("h2", {}, title),
    labelled("w-url", "Where to post", fields.url, "https, a host in public; events are posted there as JSON, signed."),
    fields.format ? labelled("w-format", "In the format of", fields.format, "A provider's: for a receiver of its webhooks. It can't be changed later.") : null,
    labelled("w-login", "Login (optional)", fields.login, known.has_login
      ? "There is one. user:password to replace it; empty: it stays." : "user:password, where the receiver asks for it (HTTP Basic)."),
    labelled("w-description", "What it is for (optional)", fields.description),
    h("details", {}, h("summary", {}, "Only some events"),
      events,
      h("div", { class: "pair" },
        labelled("w-accounts", "About these accounts", fields.accounts, "With commas between them; empty: all."),
        labelled("w-tags", "About mail with one of these tags", fields.tags, "With commas between them; empty: all."))),
    h("div", { class: "actions" }, h("button", { class: "first" }, says)));
}

const formatChoice = () => h("select", { id: "w-format" },
  Object.entries(FORMATS).map(([value, words]) => h("option", { value }, words)));

/** Boxes to check; none: all types. */
function typeBoxes(chosen) {
  return h("div", { id: "w-events", class: "type-boxes" }, h("p", { class: "hint" }, "None is checked: all types."),
    Object.entries(TYPES).map(([kind, names]) => h("fieldset", {}, h("legend", {}, kind),
      h("div", { class: "choices" }, names.map((name) => h("label", { class: "choice" },
        h("input", { type: "checkbox", value: `${kind}.${name}`, checked: chosen.includes(`${kind}.${name}`) }), name))))));
}

const listOf = (text) => text.split(",").map((one) => one.trim()).filter(Boolean);
