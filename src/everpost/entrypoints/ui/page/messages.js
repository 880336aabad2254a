// Messages: newest first, filtered by the address, live, and as many as there are.

import { bulkButton } from "./bulk.js";
import { fill, h } from "./dom.js";
import { rest } from "./live.js";
import { Mails } from "./mails.js";
import { follow } from "./news.js";
import { when } from "./times.js";
import { said, unsaid } from "./unsaid.js";
import { windowed } from "./window.js";
import { counted, listed, person, state, STATES } from "./words.js";

const FILTERS = ["state", "recipient", "tag", "account"];
const NAMED_MAX = 2; // recipients of a row
const AGAIN_MS = 3_000; // after a page that could not be read

/** @param {import("./frame.js").Place} place */
export function showMessages(place) {
  const asked = Object.fromEntries(FILTERS.map((name) => [name, place.query.get(name) ?? ""]));
  asked.recipient = said(asked.recipient);
  const mails = new Mails(place.api, asked, NAMED_MAX, place.signal);
  const empty = h("div");
  const foot = h("p", { class: "foot quiet" });
  const list = windowed({
    label: "Mails, newest first", paint, href: (row) => `#/messages/${encodeURIComponent(row.id)}`,
    end: () => more(), signal: place.signal,
  });
  const draw = (came) => {
    list.set(mails.rows, came);
    fill(empty, mails.rows.length ? null : nothing(asked));
    fill(foot, mails.rows.length ? (mails.next ? "Older ones are read when you get there." : all(mails.rows.length)) : null);
  };
  let isReading = false;
  const more = async () => {
    if (!mails.next || isReading) return;
    isReading = true;
    try {
      await mails.more();
      isReading = false;
      draw(0);
    } catch (error) {
      place.trouble(error);
      await rest(AGAIN_MS, place.signal); // at the end of the list nobody can scroll: it tries again by itself
      isReading = false;
      if (!place.signal.aborted) more();
    }
  };
  fill(place.body, filterForm(place, asked), empty, list.element, foot);
  follow(place, async (ids) => {
    const came = await mails.refresh(ids);
    if (place.signal.aborted) return;
    place.calm();
    draw(came);
  });
}

const all = (count) => (count === 1 ? "This is the only one." : `These are all ${counted(count, "mail")}.`);

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
    const given = FILTERS.map((name) => [name, inputs[name].value.trim()]).filter(([, value]) => value)
      .map(([name, value]) => [name, name === "recipient" ? unsaid(value) : value]);
    location.hash = given.length ? `#/messages?${new URLSearchParams(given)}` : "#/messages";
  };
  inputs.state.addEventListener("change", go);
  inputs.account.addEventListener("change", go);
  fillAccounts(place, inputs.account, asked.account);
  const words = { state: "State", recipient: "Recipient", tag: "Tag", account: "Account" };
  return h("form", { class: "filters", role: "search", "aria-label": "Filter", onsubmit: go },
    FILTERS.map((name) => h("div", { class: "field" }, h("label", { for: `f-${name}` }, words[name]), inputs[name])),
    h("button", {}, "Filter"),
    h("a", { class: "button", href: "#/messages" }, "Clear"),
    bulkButton(place, asked));
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

/** @param {HTMLElement} link  @param {import("./mails.js").Row} row */
function paint(link, row) {
  const told = [...row.people.map(person), ...(row.more ? [`${row.more} more`] : [])];
  fill(link,
    h("span", { class: "row-state" }, state(row.state)),
    h("span", { class: "row-subject" }, row.subject || "(no subject)"),
    h("span", { class: "row-people" }, `to ${listed(told)}`),
    h("span", { class: "row-by" }, row.account ? `${row.state === "sent" ? "by" : "at"} ${row.account}` : "with no provider yet",
      row.attempts > 1 ? `, attempt ${row.attempts}` : null),
    h("span", { class: "row-tags" }, row.tags.map((tag) => h("span", { class: "tag" }, tag))),
    h("span", { class: "row-when" }, when(row.created_at)));
}

function nothing(asked) {
  const isFiltered = FILTERS.some((name) => asked[name]);
  return h("div", { class: "empty" }, isFiltered
    ? [h("p", {}, "No mail is like that."), h("p", {}, h("a", { href: "#/messages" }, "Clear the filters"))]
    : [h("p", {}, "No mail yet."), h("p", {}, h("a", { href: "#/send" }, "Send the first one"))]);
}
