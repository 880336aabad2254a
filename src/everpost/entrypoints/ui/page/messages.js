// Messages: newest first, filtered and paged by the address.

import { fill, h } from "./dom.js";
import { poll } from "./live.js";
import { when } from "./times.js";
import { listed, person, state, STATES } from "./words.js";

const LOOK_MS = 3000;
const FILTERS = ["state", "recipient", "tag", "account"];
const NAMED_MAX = 2; // recipients of a row

/** @param {import("./frame.js").Place} place */
export function showMessages(place) {
  const asked = Object.fromEntries([...FILTERS, "cursor"].map((name) => [name, place.query.get(name) ?? ""]));
  const rows = h("ol", { class: "rows", "aria-label": "Mails, newest first" });
  const pages = h("nav", { class: "pages", "aria-label": "Pages" });
  const empty = h("div");
  fill(place.body, filterForm(place, asked), empty, rows, pages);
  let before = "";
  const look = async () => {
    const page = (await place.api.get("/v1/emails", asked, place.signal)).body;
    place.calm();
    const now = JSON.stringify(page);
    if (now !== before) {
      before = now;
      redraw(rows, page.data);
      fill(empty, page.data.length ? null : nothing(asked));
      fill(pages, pageLinks(asked, page.next_cursor));
    }
    return asked.cursor ? null : LOOK_MS; // older pages stand still
  };
  poll(look, LOOK_MS, place.signal, place.trouble);
}

function filterForm(place, asked) {
  const inputs = {
    state: h("select", { id: "f-state", "data-find": true }, h("option", { value: "" }, "any"), Object.keys(STATES).map((name) =>
      h("option", { value: name, selected: name === asked.state }, name))),
    recipient: h("input", { id: "f-recipient", value: asked.recipient, inputmode: "email", autocomplete: "off" }),
    tag: h("input", { id: "f-tag", value: asked.tag, autocomplete: "off" }),
    account: h("select", { id: "f-account" }, h("option", { value: "" }, "any"),
      asked.account ? h("option", { value: asked.account, selected: true }, asked.account) : null),
  };
  const go = (event) => {
    event.preventDefault();
    const given = Object.fromEntries(FILTERS.map((name) => [name, inputs[name].value.trim()]));
    location.hash = address(given);
  };
  inputs.state.addEventListener("change", go);
  inputs.account.addEventListener("change", go);
  fillAccounts(place, inputs.account, asked.account);
  const words = { state: "State", recipient: "Recipient", tag: "Tag", account: "Account" };
  return h("form", { class: "filters", role: "search", "aria-label": "Filter", onsubmit: go },
    FILTERS.map((name) => h("div", { class: "field" }, h("label", { for: `f-${name}` }, words[name]), inputs[name])),
    h("button", {}, "Filter"),
    h("a", { class: "button", href: "#/messages" }, "Clear"));
}

async function fillAccounts(place, select, chosen) {
  try {
    const names = (await place.api.get("/v1/accounts", {}, place.signal)).body.data.map((one) => one.name);
    const missing = chosen && !names.includes(chosen) ? [chosen] : [];
    fill(select, h("option", { value: "" }, "any"), [...names, ...missing].map((name) =>
      h("option", { value: name, selected: name === chosen }, name)));
  } catch {
    // the list itself says what is wrong
  }
}

/** Rows that are there stay the elements they are, so that the focus stays where it is. */
function redraw(rows, mails) {
  const known = new Map([...rows.children].map((row) => [row.dataset.told, row]));
  fill(rows, mails.map((mail) => known.get(JSON.stringify(mail)) ?? renewed(rows, mail)));
}

function renewed(rows, mail) {
  const fresh = row(mail);
  const focused = document.activeElement?.closest("[data-id]");
  if (focused?.dataset.id === mail.id && rows.contains(focused)) queueMicrotask(() => fresh.firstElementChild.focus());
  return fresh;
}

function row(mail) {
  const told = mail.recipients.map(person);
  const more = told.length > NAMED_MAX ? [...told.slice(0, NAMED_MAX), `${told.length - NAMED_MAX} more`] : told;
  const account = mail.deliveries.map((one) => one.account).find(Boolean);
  const attempts = mail.attempts.filter((one) => one.number !== null).length;
  return h("li", { "data-told": JSON.stringify(mail), "data-id": mail.id },
    h("a", { href: `#/messages/${encodeURIComponent(mail.id)}`, "data-row": true },
      h("span", { class: "row-state" }, state(mail.state)),
      h("span", { class: "row-subject" }, mail.subject || "(no subject)"),
      h("span", { class: "row-people" }, `to ${listed(more)}`),
      h("span", { class: "row-by" }, account ? `${mail.state === "sent" ? "by" : "at"} ${account}` : "at nobody yet",
        attempts > 1 ? `, attempt ${attempts}` : null),
      h("span", { class: "row-tags" }, mail.tags.map((tag) => h("span", { class: "tag" }, tag))),
      h("span", { class: "row-when" }, when(mail.created_at))));
}

function nothing(asked) {
  const isFiltered = FILTERS.some((name) => asked[name]);
  return h("div", { class: "empty" }, isFiltered
    ? [h("p", {}, "No mail is like that."), h("p", {}, h("a", { href: "#/messages" }, "Clear the filters"))]
    : [h("p", {}, "No mail yet."), h("p", {}, h("a", { href: "#/send" }, "Send the first one"))]);
}

function pageLinks(asked, next) {
  return [
    asked.cursor ? h("a", { class: "button", href: address({ ...asked, cursor: "" }) }, "Newest") : null,
    next ? h("a", { class: "button", href: address({ ...asked, cursor: next }) }, "Older") : null,
  ];
}

function address(query) {
  const search = new URLSearchParams(Object.entries(query).filter(([, value]) => value)).toString();
  return search ? `#/messages?${search}` : "#/messages";
}
