// One route: who carries its mail, in which order and with which weights. What is changed here holds when it is saved.

import { fill, h } from "./dom.js";
import { losses } from "./losses.js";
import { compared, reasoned } from "./reasons.js";
import { draggable, movableByKeys } from "./sorting.js";
import { listed } from "./words.js";

/**
 * @typedef {{account: string, weight: number|null, paused: boolean}} Entry
 * @typedef {{name: string, default: string, accounts: Entry[], on_unknown: string,
 *   allow_loss: string[]|null, version: number}} Route
 */

/** A card that keeps what is not saved yet, whatever the API tells meanwhile.
 *  @param {import("./frame.js").Place} place  @param {() => Promise<void>} look  reads everything anew
 *  @returns {{element: HTMLElement, show: (route: Route) => void}} */
export function routeCard(place, look) {
  const heading = h("h2");
  const list = h("ol", { class: "route" });
  const note = h("p", { class: "quiet" });
  const bar = h("div", { class: "unsaved", role: "group", "aria-label": "Changes that are not saved" });
  const card = { place, look, heading, list, note, bar, told: null, newer: null, draft: null, isSaving: false };
  const moved = (from, to) => move(card, from, to);
  draggable(list, moved);
  movableByKeys(list, moved);
  return { element: h("section", { class: "card" }, heading, list, bar, note), show: (route) => show(card, route) };
}

function show(card, route) {
  if (card.isSaving || card.list.querySelector(".dragged")) return;
  card.newer = card.draft && route.version !== card.told.version ? route : null;
  if (card.draft) {
    drawBar(card);
    return;
  }
  card.told = route;
  draw(card);
}

/** The entries as they are shown. */
const entries = (card) => card.draft ?? card.told.accounts;
const isWeighted = (all) => all.some((one) => one.weight);

function draw(card) {
  const { told, list } = card;
  const mayChange = card.place.may("putRoute");
  fill(card.heading, told.name === "default" ? "Who carries the mail" : `Route ${told.name}`);
  list.setAttribute("aria-label", `Accounts of the route ${told.name}`);
  const focused = document.activeElement?.id;
  fill(list, entries(card).map((entry, at) => row(card, entry, at, mayChange)));
  if (focused) document.getElementById(focused)?.focus();
  fill(card.note, `Route ${told.name}, version ${told.version}. When nobody can tell whether a provider has a mail: `,
    told.on_unknown === "hold" ? "it is held for a person." : "it is sent again.",
    told.allow_loss ? ` Its mails may lose ${losses(told.allow_loss)} at a provider.` : null,
    mayChange ? " Drag accounts into another order, or use their arrows; with weights, chance picks who goes first." : null);
  drawBar(card);
}

function row(card, entry, at, mayChange) {
  const name = entry.account;
  const id = (what) => `${what}-${card.told.name}-${name}`;
  const last = entries(card).length - 1;
  const step = (by, what, arrow, isEnd) => h("button", {
    id: id(what), class: "plain", "aria-label": `Move ${what}: ${name}`, "aria-disabled": isEnd ? "true" : null,
    onclick: () => isEnd || move(card, at, at + by),
  }, arrow);
  return h("li", {},
    mayChange ? h("span", { class: "handle", "aria-hidden": "true", title: "Drag it to its place" }, "⠿") : null,
    h("span", { class: "place" }, String(at + 1)),
    h("b", {}, name),
    h("span", { class: "quiet part" }, part(entries(card), entry, at)),
    mayChange ? h("span", { class: "row-turns" },
      weight(card, entry, id("weight")), step(-1, "up", "↑", at === 0), step(1, "down", "↓", at === last),
      card.draft ? null : buttons(card, entry)) : null);
}

/** What is done at once, while nothing waits to be saved. */
function buttons(card, entry) {
  const goesFirst = entry.account === card.told.default && !isWeighted(card.told.accounts);
  return [
    change(card, entry.account, entry.paused ? RESUME : PAUSE),
    goesFirst ? h("span", { class: "mark" }, "goes first") : change(card, entry.account, FIRST),
  ];
}

/** Which part of the mail it gets, in words. */
function part(all, entry, at) {
  if (entry.paused) return "paused: carries nothing";
  const sum = all.reduce((total, one) => total + (one.paused ? 0 : one.weight ?? 0), 0);
  if (!sum) return at === 0 ? "first in line" : "steps in";
  return entry.weight ? `first for ${Math.round((100 * entry.weight) / sum)} % of the mail` : "steps in";
}

function weight(card, entry, id) {
  const input = h("input", {
    id, type: "number", min: "0", step: "any", inputmode: "decimal", placeholder: "none", value: entry.weight,
    "aria-label": `Weight of ${entry.account}`,
    oninput: () => {
      const value = input.value === "" ? null : input.valueAsNumber;
      if (input.validity.valid) edit(card, entries(card).map((one) => (one.account === entry.account ? { ...one, weight: value } : one)));
    },
  });
  return h("label", { class: "weight" }, h("span", { class: "quiet" }, "Weight"), input);
}

function move(card, from, to) {
  const all = [...entries(card)];
  const [moved] = all.splice(from, 1);
  all.splice(to, 0, moved);
  card.draft = isSame(all, card.told.accounts) ? null : all;
  draw(card);
  card.place.say(`${moved.account} is number ${to + 1} of ${all.length} now; not saved yet`);
}

/** A weight is being typed: the rows stay, so that the field does. */
function edit(card, all) {
  const wasClean = card.draft === null;
  card.draft = isSame(all, card.told.accounts) ? null : all;
  if (wasClean !== (card.draft === null)) draw(card);
  all.forEach((entry, at) => fill(card.list.children[at].querySelector(".part"), part(all, entry, at)));
}

function isSame(one, other) {
  const told = (all) => JSON.stringify(all.map(({ account, weight: its, paused }) => [account, its, paused]));
  return told(one) === told(other);
}

function drawBar(card) {
  const back = () => {
    card.told = card.newer ?? card.told;
    card.draft = card.newer = null;
    draw(card);
    card.place.say("Nothing was changed");
  };
  if (!card.draft) fill(card.bar);
  else if (!card.bar.childNodes.length || card.newer || card.isSaving) {
    fill(card.bar,
      h("p", {}, card.newer ? `Somebody else has changed it meanwhile (version ${card.newer.version}); yours can't be saved over that.`
        : "Not saved yet: mail goes as before."),
      h("button", { id: `save-${card.told.name}`, class: "first", onclick: () => save(card), disabled: card.isSaving || card.newer !== null }, "Save the changes"),
      h("button", { id: `back-${card.told.name}`, onclick: back, disabled: card.isSaving }, card.newer ? "Show theirs" : "Put it back"));
  }
}

async function save(card) {
  const { told, draft, list } = card;
  const bad = list.querySelector("input:invalid");
  if (bad) {
    bad.reportValidity();
    return;
  }
  const first = draft[0].account;
  await put(card, draft, {
    title: `Change the route ${told.name}?`, yes: "Save the changes", done: `The route ${told.name} is changed`,
    words: [
      first === told.default ? null : `New mail of the route ${told.name} will go to ${first} first, no longer to ${told.default}. `,
      isWeighted(draft) ? "Chance picks who goes first, by weight; the others step in, in this order. " : null,
      "Mail that a provider has, or may have, stays where it is."],
  });
}

/** Changes of a route by one button: what it says, how the accounts become, and what will be different. */
const FIRST = {
  verb: "first", says: "Let it go first", done: (name) => `${name} goes first`,
  accounts: (all, name) => [all.find((one) => one.account === name), ...all.filter((one) => one.account !== name)]
    .map((one) => ({ account: one.account, weight: null, paused: one.account === name ? false : one.paused })),
  words: (route, name) => [
    `New mail of the route ${route.name} will go to ${name} first, and to ${route.default} only when ${name} can't take it. `,
    "Mail that a provider has, or may have, stays where it is.",
    isWeighted(route.accounts) ? " The weights of the route go." : null],
};
const PAUSE = {
  verb: "pause", says: "Pause", done: (name) => `${name} is paused`,
  accounts: (all, name) => all.map((one) => (one.account === name ? { ...one, paused: true } : one)),
  words: (route, name) => {
    const rest = route.accounts.filter((one) => one.account !== name && !one.paused).map((one) => one.account);
    return [rest.length ? `${name} will take no new mail of the route ${route.name}; ${listed(rest)} will.`
      : `Nobody will carry mail of the route ${route.name}: ${name} is the last that is not paused. New mail waits.`];
  },
};
const RESUME = {
  verb: "resume", says: "Resume", done: (name) => `${name} is back`,
  accounts: (all, name) => all.map((one) => (one.account === name ? { ...one, paused: false } : one)),
  words: (route, name) => [`${name} will take mail of the route ${route.name} again.`],
};

function change(card, name, kind) {
  const act = () => put(card, kind.accounts(card.told.accounts, name), {
    title: `${kind.says}: ${name}?`, yes: kind.says, done: kind.done(name), words: kind.words(card.told, name),
  });
  const id = `${kind.verb}-${card.told.name}-${name}`;
  return h("button", { id, onclick: act, "aria-label": `${kind.says}: ${name}` }, kind.says);
}

/** After it was confirmed; by the version that was shown when it was asked for. */
async function put(card, accounts, { title, words, yes, done }) {
  const { place, told } = card;
  const given = await reasoned({
    title, yes,
    words: [h("p", {}, words), compared(inOrder(told.accounts), inOrder(accounts)),
      h("p", { class: "quiet" }, "It holds at once, for all processes.")],
  });
  if (!given) return;
  card.isSaving = true; // until it is known what has become of it, all stays as it stands
  drawBar(card);
  try {
    const path = `/v1/routes/${encodeURIComponent(told.name)}`;
    await place.api.put(path, { ...told, default: undefined, accounts, ...given }, { "If-Match": `"${told.version}"` });
    await saved(card);
    place.say(done);
  } catch (error) {
    await saved(card).catch(() => null);
    place.trouble(error);
  }
}

/** Shows what holds now. */
async function saved(card) {
  card.isSaving = false;
  card.draft = card.newer = null;
  await card.look();
}

function inOrder(all) {
  return all.map((one) => {
    const about = [one.paused ? "paused" : null, one.weight ? `weight ${one.weight}` : null].filter(Boolean);
    return about.length ? `${one.account} (${about.join(", ")})` : one.account;
  }).join(", ");
}
