// Providers: how each account does, and who carries the mail of which route.

import { accountCard } from "./account.js";
import { confirmed } from "./dialogs.js";
import { fill, h } from "./dom.js";
import { poll } from "./live.js";
import { listed } from "./words.js";

const LOOK_MS = 3000;

/** @param {import("./frame.js").Place} place */
export function showProviders(place) {
  const accounts = h("div", { class: "accounts" });
  const routes = h("div");
  let before = "";
  const draw = async () => {
    const told = (await place.api.get("/v1/accounts", {}, place.signal)).body.data;
    const known = (await place.api.get("/v1/routes", {}, place.signal)).body.data;
    place.calm();
    const now = JSON.stringify([told, known]);
    if (now === before) return;
    before = now;
    const focused = document.activeElement?.id;
    fill(accounts, told.map(accountCard));
    fill(routes, known.map((route) => routeCard(place, route, draw)));
    if (focused) document.getElementById(focused)?.focus();
  };
  fill(place.body, routes, h("h2", { class: "section" }, "Accounts"), accounts);
  poll(draw, LOOK_MS, place.signal, place.trouble);
}

function routeCard(place, route, draw) {
  const weighted = route.accounts.some((one) => one.weight !== null);
  const row = (entry, at) => h("li", {},
    h("span", { class: "place" }, String(at + 1)),
    h("b", {}, entry.account),
    h("span", { class: "quiet" }, [
      entry.paused ? "paused: carries nothing" : at === 0 && !weighted ? "first in line" : weighted ? "by weight" : "steps in",
      entry.weight === null ? null : `, weight ${entry.weight}`].filter(Boolean).join("")),
    h("span", { class: "row-actions" },
      change(place, route, entry.account, entry.paused ? RESUME : PAUSE, draw),
      entry.account === route.default && !weighted ? h("span", { class: "mark" }, "goes first")
        : change(place, route, entry.account, FIRST, draw)));
  return h("section", { class: "card" },
    h("h2", {}, route.name === "default" ? "Who carries the mail" : `Route ${route.name}`),
    h("ol", { class: "route", "aria-label": `Accounts of the route ${route.name}` }, route.accounts.map(row)),
    h("p", { class: "quiet" }, `Route ${route.name}, version ${route.version}. When nobody can tell whether a provider has a mail: `,
      route.on_unknown === "hold" ? "it is held for a person." : "it is sent again."));
}

/** Changes of a route: what the button says, how the accounts become, and what will be different. */
const FIRST = {
  verb: "first", says: "Let it go first", done: (name) => `${name} goes first`,
  accounts: (all, name) => [all.find((one) => one.account === name), ...all.filter((one) => one.account !== name)]
    .map((one) => ({ account: one.account, paused: one.account === name ? false : one.paused })),
  words: (route, name) => [
    `New mail of the route ${route.name} will go to ${name} first, and to ${route.default} only when ${name} can't take it. `,
    "Mail that a provider has, or may have, stays where it is.",
    route.accounts.some((one) => one.weight !== null) ? " The weights of the route go." : null],
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

function change(place, route, name, kind, draw) {
  const act = async () => {
    const accounts = kind.accounts(route.accounts, name);
    const order = (all) => all.map((one) => (one.paused ? `${one.account} (paused)` : one.account)).join(", ");
    const yes = await confirmed({
      title: `${kind.says}: ${name}?`,
      words: [
        h("p", {}, kind.words(route, name)),
        h("dl", { class: "facts" },
          h("div", {}, h("dt", {}, "Now"), h("dd", {}, order(route.accounts))),
          h("div", {}, h("dt", {}, "Then"), h("dd", {}, order(accounts)))),
        h("p", { class: "quiet" }, "It holds at once, for all processes, and is recorded as an event with your key's name."),
      ],
      yes: kind.says,
    });
    if (!yes) return;
    try {
      const path = `/v1/routes/${encodeURIComponent(route.name)}`;
      await place.api.put(path, { ...route, default: undefined, accounts }, { "If-Match": `"${route.version}"` });
      await draw();
      place.say(kind.done(name));
    } catch (error) {
      await draw().catch(() => null);
      place.trouble(error);
    }
  };
  const id = `${kind.verb}-${route.name}-${name}`;
  return h("button", { id, onclick: act, "aria-label": `${kind.says}: ${name}` }, kind.says);
}
