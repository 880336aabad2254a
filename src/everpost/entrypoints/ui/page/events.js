// Events: the audit trail, newest on top, followed by its cursor; narrowed, and saved as a file.

import { fill, h } from "./dom.js";
import { trailFilters } from "./event_filters.js";
import { poll } from "./live.js";
import { shortType } from "./story.js";
import { when } from "./times.js";

const LOOK_MS = 2000;
const PAGE = 200;
const ROWS_MAX = 2000;
const DIGITS = 20; // of a sequence

/** @param {import("./frame.js").Place} place */
export function showEvents(place) {
  const rows = h("ol", { class: "rows events", "aria-label": "Events, newest first" });
  const empty = h("p", { class: "empty", hidden: true });
  const trail = { place, rows, empty, asked: {}, isNarrow: false, first: "", cursor: "", isFollowed: true };
  const filters = trailFilters(place, trail);
  const earlier = h("button", { disabled: true, onclick: () => showEarlier(trail, earlier) }, "Earlier events");
  fill(place.body, filters, empty, rows, h("div", { class: "pages" }, trail.asked.message ? null : earlier));
  let isRead = false;
  const look = async () => {
    if (trail.isFollowed || !isRead) await follow(trail);
    if (!isRead) {
      isRead = true;
      earlier.hidden = trail.first === sequence(1); // nothing was before the first event of all
      earlier.disabled = false;
      if (trail.isNarrow && !trail.rows.children.length) await showEarlier(trail, earlier);
    }
    return trail.asked.until ? null : LOOK_MS;
  };
  poll(look, LOOK_MS, place.signal, place.trouble);
}

/** Reads on from the cursor until there is nothing new. */
async function follow(trail) {
  if (!trail.cursor) trail.cursor = trail.asked.message ? sequence(0) : await nearTheEnd(trail.place);
  trail.first ||= sequence(BigInt(trail.cursor) + 1n);
  let page;
  let isMore;
  do {
    page = await read(trail, trail.cursor);
    isMore = page.next_cursor !== trail.cursor && (trail.isNarrow || page.data.length === PAGE);
    trail.cursor = page.next_cursor;
    trail.rows.prepend(...page.data.map(row).reverse());
  } while (isMore && !trail.place.signal.aborted);
  while (trail.rows.children.length > ROWS_MAX) trail.rows.lastElementChild.remove();
  trail.place.calm();
  showEnd(trail);
}

function showEnd({ rows, empty, isNarrow }) {
  fill(empty, isNarrow ? "No event is like that, as far as was looked." : "Nothing has happened yet.");
  empty.hidden = rows.children.length > 0;
}

async function read({ place, asked }, after) {
  return (await place.api.get("/v1/events", { ...asked, after, limit: PAGE }, place.signal)).body;
}

/** A place from which the end of the trail is not far: a page before the first event of the newest mail. */
async function nearTheEnd(place) {
  const [mail] = (await place.api.get("/v1/emails", { limit: 1 }, place.signal)).body.data;
  if (!mail) return sequence(0);
  const told = (await place.api.get("/v1/events", { message: mail.id, limit: 1 }, place.signal)).body.data;
  return told.length ? before(told[0].sequence, PAGE) : sequence(0);
}

/** Puts the events before the first one that is shown below it. Sequences may have gaps (other projects' events, or
 *  those that are not looked for), so the step back doubles until something is there. */
async function showEarlier(trail, button) {
  button.disabled = true;
  try {
    let found = [];
    let after = trail.first;
    for (let back = PAGE; trail.first && !found.length && after !== sequence(0); back *= 2) {
      after = before(trail.first, back);
      found = await between(trail, after);
    }
    if (found.length) trail.first = found[0].sequence;
    trail.rows.append(...found.map(row).reverse());
    showEnd(trail);
    trail.place.say(found.length ? "Earlier events are shown" : "These are all");
    if (found.length) button.disabled = false;
    else button.textContent = "This is the beginning";
  } catch (error) {
    button.disabled = false;
    trail.place.trouble(error);
  }
}

/** Events after a place and before the first that is shown; of very many the last. */
async function between(trail, after) {
  let found = [];
  let page;
  let place = after;
  let isMore;
  do {
    page = await read(trail, place);
    found = [...found, ...page.data.filter((event) => event.sequence < trail.first)].slice(-PAGE);
    isMore = page.next_cursor !== place && page.next_cursor < trail.first;
    place = page.next_cursor;
  } while (isMore);
  return found;
}

function before(cursor, steps) {
  const at = BigInt(cursor) - BigInt(steps) - 1n;
  return sequence(at > 0n ? at : 0n);
}

function sequence(number) {
  return String(number).padStart(DIGITS, "0");
}

function row(event) {
  const { message_id: message, account, delivery_id: _, project, ...rest } = event.data;
  const facts = Object.entries(!project || project === "default" ? rest : { ...rest, project });
  return h("li", {},
    h("span", { class: "row-when" }, when(event.time)),
    h("span", { class: "row-type" }, shortType(event.type)),
    h("span", { class: "row-about" },
      message ? h("a", { href: `#/messages/${encodeURIComponent(message)}`, "data-row": true }, message) : null,
      account ? h("b", {}, account) : null),
    h("dl", { class: "row-data" }, facts.map(([name, value]) =>
      h("div", {}, h("dt", {}, name), h("dd", {}, plain(value))))));
}

function plain(value) {
  if (Array.isArray(value)) return value.map(plain).join(", ");
  if (value && value.account && value.reason) return `${value.account} (${value.reason})`;
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
