// Where a mail would go if it came now, and why: the API decides as for real mail, and sends nothing.

import { fill, h } from "./dom.js";
import { submits } from "./forms.js";
import { losses } from "./losses.js";
import { labelled } from "./recipients.js";
import { when } from "./times.js";
import { bytes, counted } from "./words.js";

const KIB = 1024;
const FIELDS = { from: "explain-from", to: "explain-to", size_bytes: "explain-size", tags: "explain-tags" };
const PROSPECTS = {
  sent: (told) => [h("b", {}, told.account), ` would take it: ${told.reason}.`],
  waits: (told) => ["It would be accepted, and wait: no account can take it now. They are looked at again at ", when(told.until), "."],
  refused: () => ["It would not be accepted: no account of the route can carry it."],
};

/** @param {import("./frame.js").Place} place
 *  @returns {{element: HTMLElement, show: (routes: {name: string}[]) => void}} */
export function explainCard(place) {
  const input = (name, attributes) => h("input", { id: FIELDS[name], autocomplete: "off", spellcheck: "false", ...attributes });
  const fields = {
    from: input("from", { inputmode: "email" }),
    to: input("to", { inputmode: "email" }),
    size_bytes: input("size_bytes", { type: "number", min: "0", step: "any", value: "20" }),
    tags: input("tags"),
  };
  const override = h("input", { type: "checkbox" });
  const route = h("select", { id: "explain-route" }, h("option", { value: "default" }, "default"));
  const answer = h("div", { class: "explained", role: "status" });
  const ask = submits(place, fields, async () => {
    fill(answer);
    const path = `/v1/routes/${encodeURIComponent(route.value)}/explain`;
    const { body } = await place.api.post(path, { ...read(fields), ignore_unsubscribe: override.checked });
    place.calm();
    fill(answer, explained(body));
  });
  const element = h("form", { class: "card form", novalidate: true, onsubmit: ask, "aria-labelledby": "explain-title" },
    h("h2", { id: "explain-title" }, "Where would a mail go?"),
    h("div", { class: "pair" },
      labelled(FIELDS.from, "From", fields.from),
      labelled(FIELDS.to, "To", fields.to, "With commas between several.")),
    h("div", { class: "pair" },
      labelled(FIELDS.size_bytes, "Size in KiB", fields.size_bytes, "Text, HTML and attachments."),
      labelled("explain-route", "Route", route)),
    labelled(FIELDS.tags, "Tags (optional)", fields.tags, "With commas between them."),
    h("label", { class: "check" }, override, "Mail of an account: goes to those who have unsubscribed, too"),
    h("div", { class: "actions" }, h("button", {}, "Explain")),
    answer);
  return { element, show: (routes) => showRoutes(route, routes) };
}

function showRoutes(select, routes) {
  const names = routes.map((route) => route.name);
  if ([...select.options].map((option) => option.value).join() === names.join()) return;
  const chosen = select.value;
  fill(select, names.map((name) => h("option", { value: name, selected: name === chosen }, name)));
}

function read(fields) {
  const several = (field) => field.value.split(",").map((one) => one.trim()).filter(Boolean);
  return {
    from: fields.from.value.trim() || undefined,
    to: several(fields.to),
    size_bytes: Math.round((fields.size_bytes.valueAsNumber || 0) * KIB),
    tags: several(fields.tags),
  };
}

/** What it asks of whoever carries it. */
function needs({ needs: { recipients, size_bytes: size, tags }, allow_loss: allowed }) {
  return `It has ${counted(recipients, "recipient")}, ${bytes(size)} and ${counted(tags, "tag")}, and may lose ${losses(allowed)}.`;
}

function explained(told) {
  return [
    h("p", {}, PROSPECTS[told.prospect](told)),
    h("ol", { class: "candidates", "aria-label": "Why, account by account" }, told.accounts.map((one) => h("li", {},
      h("b", {}, one.account),
      h("span", {}, one.share ? `${Math.round(one.share * 100)} % of such mail` : "none"),
      h("span", { class: "quiet" }, one.reason),
      one.lost.length ? h("span", { class: "quiet" }, `It would lose ${losses(one.lost)} there.`) : null))),
    h("p", { class: "quiet" }, needs(told)),
    told.suppressed.length
      ? h("p", {}, `It would not be sent to ${told.suppressed.join(", ")}: suppressed.`) : null,
  ];
}
