// Suppressions: who must not be written to. What is looked for stands in no address.

import { confirmed } from "./dialogs.js";
import { fill, focusLater, h } from "./dom.js";
import { exportList, fileName } from "./exporting.js";
import { actionButton, submits } from "./forms.js";
import { importCard } from "./importing.js";
import { poll } from "./live.js";
import { labelled } from "./recipients.js";
import { when } from "./times.js";

const LOOK_MS = 3000;
const PAGE = 100;
const PATH = "/v1/suppressions";
const FILE_PAGE = 200;

/** @param {import("./frame.js").Place} place */
export function showSuppressions(place) {
  const rows = h("ol", { class: "rows entries", "aria-label": "Addresses that must not be written to" });
  const empty = h("div");
  const more = h("div", { class: "pages" });
  const list = { place, rows, empty, more, begins: "", looks: 0, mayChange: place.may("addSuppression") };
  const again = () => look(list).catch(place.trouble);
  fill(place.body,
    list.mayChange ? h("div", { class: "halves" }, addCard(list, again), importCard(place, again)) : null,
    searchForm(list, again), empty, rows, more);
  poll(async () => {
    await look(list);
    return null;
  }, LOOK_MS, place.signal, place.trouble);
}

function addCard(list, again) {
  const { place } = list;
  const address = h("input", { id: "s-address", inputmode: "email", autocomplete: "off", spellcheck: "false" });
  const reason = h("input", { id: "s-reason", autocomplete: "off" });
  const stream = h("input", { id: "s-stream", autocomplete: "off", spellcheck: "false" });
  const add = submits(place, { address, reason, stream }, async () => {
    const go = focusLater();
    const given = { address: address.value.trim() };
    for (const [name, input] of Object.entries({ reason, stream })) {
      if (input.value.trim()) given[name] = input.value.trim();
    }
    const { body } = await place.api.post(PATH, given);
    address.value = reason.value = stream.value = "";
    place.say(`${body.address} gets no more ${mailOf(body)}`);
    go(address);
    await again();
  });
  return h("form", { class: "card form", onsubmit: add, novalidate: true, "aria-label": "Add an address" },
    h("h2", {}, "Add an address"),
    h("p", { class: "quiet" }, "From then on it is left out of every mail of this project; the other recipients get theirs."),
    labelled("s-address", "Address", address),
    labelled("s-reason", "Reason (optional)", reason, "As it is to be told to those who ask why."),
    labelled("s-stream", "Stream (optional)", stream, "Only mail of this stream, such as newsletter; otherwise all mail."),
    h("div", { class: "actions" }, h("button", { class: "first" }, "Suppress")));
}

function searchForm(list, again) {
  const { place } = list;
  const begins = h("input", { id: "s-begins", inputmode: "email", autocomplete: "off", spellcheck: "false", "data-find": true });
  const find = submits(place, { address: begins }, () => {
    list.begins = begins.value.trim();
    return look(list);
  });
  const clear = () => {
    begins.value = list.begins = "";
    again();
  };
  const exported = () => exportList(place, fileName("suppressions", "csv"), (cursor) => place.api.piece({
    method: "POST", path: `${PATH}/search`, form: "text/csv", signal: place.signal,
    body: { address: list.begins, limit: FILE_PAGE, ...(cursor ? { cursor } : {}) },
  }));
  return h("form", { class: "filters", role: "search", "aria-label": "Search", onsubmit: find, novalidate: true },
    labelled("s-begins", "Address, or how it begins", begins),
    h("button", {}, "Search"), h("button", { type: "button", onclick: clear }, "Clear"),
    actionButton(place, {}, "Export CSV", exported));
}

/** Draws the list anew, from its beginning. */
async function look(list) {
  list.looks += 1;
  [list.rows, list.empty, list.more].forEach((one) => fill(one));
  await further(list, null);
}

/** Reads on, unless the list is read anew meanwhile. */
async function further(list, cursor) {
  const { place, rows, begins, looks } = list;
  const asked = { address: begins, limit: PAGE, ...(cursor ? { cursor } : {}) };
  const page = (await place.api.post(`${PATH}/search`, asked)).body;
  if (place.signal.aborted || looks !== list.looks) return;
  place.calm();
  rows.append(...page.data.map((one) => row(list, one)));
  showEnd(list);
  fill(list.more, page.next_cursor
    ? actionButton(place, {}, "More addresses", () => further(list, page.next_cursor)) : null);
}

function showEnd({ rows, empty, begins }) {
  fill(empty, rows.children.length ? null : h("div", { class: "empty" }, begins
    ? "No address that must not be written to begins like that."
    : "Every address may be written to. Hard bounces, complaints and unsubscriptions will show here."));
}

function row(list, one) {
  return h("li", {},
    h("span", { class: "entry-name" }, one.address),
    h("span", { class: "entry-about" }, one.stream ? h("b", {}, one.stream, ": ") : null, one.reason,
      h("span", { class: "quiet" }, ` (${one.source}), since `, when(one.created_at),
        ...(one.expires_at ? [", until ", when(one.expires_at)] : []))),
    list.mayChange ? actionButton(list.place, { "aria-label": `Remove ${one.address}${one.stream ? ` from ${one.stream}` : ""}` },
      "Remove", () => remove(list, one)) : null);
}

/** @param {{stream: string | null}} one */
function mailOf({ stream }) {
  return stream ? `mail of ${stream}` : "mail";
}

async function remove(list, { address, reason, stream }) {
  const yes = await confirmed({
    title: "Write to this address again?",
    words: [h("p", {}, h("b", {}, address), ` was suppressed for this reason: ${reason}.`),
      h("p", { class: "quiet" }, "Mail that was left out meanwhile is not sent again. It is recorded with your key's name.")],
    yes: "Remove it",
  });
  if (!yes) return;
  const go = focusLater();
  await list.place.api.post(`${PATH}/remove`, { address, ...(stream ? { stream } : {}) });
  list.place.say(stream ? `${address} may get ${mailOf({ stream })} again` : `${address} may be written to again`);
  await look(list);
  go(document.getElementById("s-begins"));
}
