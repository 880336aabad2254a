// What the audit trail is narrowed to, as it stands in the address; and the trail as a file.

import { fill, h } from "./dom.js";
import { exportList, fileName } from "./exporting.js";
import { actionButton, choice, instantOf, localTime } from "./forms.js";
import { labelled } from "./recipients.js";
import { TYPES } from "./types.js";

const FILTERS = ["type", "account", "message", "since", "until"];
const FILE_PAGE = 1000;
const FILES = [["Export CSV", "csv", "text/csv"], ["Export JSON lines", "jsonl", "application/jsonl"]];

/** Fills `trail.asked` from the address.
 *  @param {import("./frame.js").Place} place
 *  @param {{asked: Object<string, string>, isNarrow: boolean, isFollowed: boolean}} trail  @returns {HTMLElement} */
export function trailFilters(place, trail) {
  const given = FILTERS.map((name) => [name, place.query.get(name) ?? ""]).filter(([, value]) => value);
  trail.asked = Object.fromEntries(given);
  trail.isNarrow = given.some(([name]) => name !== "message");
  const inputs = fields(place, trail.asked);
  const go = (event) => {
    event.preventDefault();
    const search = new URLSearchParams(FILTERS.map((name) => [name, valueOf(name, inputs[name])]).filter(([, value]) => value));
    location.hash = search.size ? `#/events?${search}` : "#/events";
  };
  inputs.type.addEventListener("change", go);
  inputs.account.addEventListener("change", go);
  return h("form", { class: "trail-filters", role: "search", "aria-label": "Filter", onsubmit: go, novalidate: true },
    labelled("f-type", "Type", inputs.type), labelled("f-account", "Account", inputs.account),
    wide(labelled("f-message", "Id of a mail", inputs.message)),
    wide(labelled("f-since", "From", inputs.since)), wide(labelled("f-until", "Until", inputs.until)),
    h("div", { class: "actions" },
      h("button", {}, "Filter"), h("a", { class: "button", href: "#/events" }, "Clear"), followButton(trail),
      FILES.map(([says, ending, form]) => actionButton(place, {}, says, () => exported(place, trail.asked, ending, form)))));
}

function fields(place, asked) {
  const time = (name) => h("input", { id: `f-${name}`, type: "datetime-local", value: localTime(asked[name]) });
  const account = choice({ id: "f-account" }, [["", "any"], ...(asked.account ? [[asked.account, asked.account]] : [])], asked.account);
  fillAccounts(place, account, asked.account ?? "");
  return {
    type: typeChoice(asked.type ?? ""), account, since: time("since"), until: time("until"),
    message: h("input", { id: "f-message", value: asked.message, autocomplete: "off", spellcheck: "false", "data-find": true }),
  };
}

function typeChoice(chosen) {
  return h("select", { id: "f-type" }, h("option", { value: "" }, "any"), Object.entries(TYPES).map(([kind, names]) =>
    h("optgroup", { label: kind }, names.map((name) =>
      h("option", { value: `${kind}.${name}`, selected: `${kind}.${name}` === chosen }, `${kind}: ${name}`)))));
}

async function fillAccounts(place, select, chosen) {
  try {
    const names = (await place.api.get("/v1/accounts", {}, place.signal)).body.data.map((one) => one.name);
    const all = chosen && !names.includes(chosen) ? [...names, chosen] : names;
    fill(select, ["", ...all].map((name) => h("option", { value: name, selected: name === chosen }, name || "any")));
  } catch {
    // the trail itself says what is wrong
  }
}

function followButton(trail) {
  const pause = h("button", { type: "button", "aria-pressed": "true", onclick: () => {
    trail.isFollowed = !trail.isFollowed;
    pause.setAttribute("aria-pressed", String(trail.isFollowed));
  } }, "Follow live");
  return pause;
}

function valueOf(name, input) {
  return name === "since" || name === "until" ? instantOf(input.value) : input.value.trim();
}

function wide(element) {
  element.classList.add("wide");
  return element;
}

/** All that the filters let through, oldest first. */
function exported(place, asked, ending, form) {
  return exportList(place, fileName("events", ending), (after) => {
    const search = new URLSearchParams({ ...asked, limit: String(FILE_PAGE), ...(after ? { after } : {}) });
    return place.api.piece({ path: `/v1/events?${search}`, form, signal: place.signal });
  });
}
