// The fault panel: how each sandbox provider misbehaves, for a share of the requests or for a time.

import { fill, h } from "./dom.js";
import { inOrder, poll } from "./live.js";
import { span } from "./times.js";
import { badge, counted } from "./words.js";

const LOOK_MS = 1000;
const PATH = "/v1/sandbox/faults";

/** What can be chosen: what it is called, the fault, and whether it hits every request (`whole`) or needs a provider that
 *  tells what becomes of mail (`told`). */
const KINDS = {
  refuse: { says: "refuses connections", plan: { kind: "refuse" }, whole: true },
  status500: { says: "answers 500", plan: { kind: "status", status: 500 } },
  status429: { says: "answers 429: too many requests", plan: { kind: "status", status: 429 } },
  status401: { says: "answers 401: the key is refused", plan: { kind: "status", status: 401 } },
  accept_hang: { says: "takes the mail and never answers", plan: { kind: "accept_hang" } },
  accept_reset: { says: "takes the mail and drops the connection", plan: { kind: "accept_reset" } },
  lose: { says: "says yes and loses the mail", plan: { kind: "lose" } },
  slow: { says: "answers after 3 s", plan: { kind: "slow", delay_s: 3 } },
  bounce: { says: "takes it; it bounces later", plan: { kind: "bounce" }, told: true },
  complain: { says: "takes it; the reader calls it spam", plan: { kind: "complain" }, told: true },
  mute: { says: "takes it; its webhooks are lost", plan: { kind: "mute" }, told: true },
};

const WELL = { word: "well", shape: "dot", tone: "good", means: "It does what it should." };
const BROKEN = { word: "broken", shape: "cross", tone: "bad", means: "It misbehaves on purpose." };

/** @param {import("./frame.js").Place} place  @returns {HTMLElement} */
export function faultPanel(place) {
  const cards = h("div", { class: "accounts" });
  const others = h("details", { hidden: true }, h("summary", {}, "Providers that carry no mail of this server"),
    h("div", { class: "accounts" }));
  const heal = h("button", { disabled: true, onclick: () => change(() => place.api.delete(PATH), "All are well") }, "Heal all");
  const known = new Map();
  const read = async () => (await place.api.get(PATH, {}, place.signal)).body;
  const draw = inOrder(read, ({ data }) => {
    place.calm();
    for (const view of data) {
      if (!known.has(view.provider)) known.set(view.provider, card(place, view, change, view.accounts.length ? cards : others.lastChild));
      known.get(view.provider)(view);
    }
    others.hidden = !others.lastChild.childNodes.length;
    heal.disabled = !place.may("healSandbox") || !data.some((view) => view.faults.length);
  });
  let before = Promise.resolve();
  /** One after the other: each adds to what those before it have made. */
  const change = (call, words) => {
    before = before.then(async () => {
      await call();
      await draw();
      place.say(words);
    }).catch(place.trouble);
  };
  poll(draw, LOOK_MS, place.signal, place.trouble);
  return h("section", { class: "half", "aria-label": "Faults" },
    h("div", { class: "card-head" }, h("h2", {}, "Break a provider"), heal),
    h("p", { class: "quiet" }, "Send mail meanwhile, and watch it go another way: ", h("a", { href: "#/send" }, "send"), ", ",
      h("a", { href: "#/providers" }, "providers"), "."),
    cards, others);
}

/** A card of a provider, put into `into`; returns what brings it up to date. */
function card(place, { provider, accounts, tells }, change, into) {
  const state = h("span");
  const list = h("ul", { class: "faults", "aria-label": `Faults of ${provider}` });
  let faults = [];
  const put = (those, words) => change(() => place.api.put(`${PATH}/${encodeURIComponent(provider)}`, { faults: those().map(again) }), words);
  const add = (fault) => put(() => [...faults, { ...fault, count: null, left_s: fault.for_s }], `${provider} ${told(fault)}`);
  const end = (at) => put(() => faults.filter((_, place) => place !== at), `${provider} is better`);
  into.append(h("section", { class: "card account", "aria-label": provider },
    h("div", { class: "card-head" }, h("h3", {}, provider), state),
    accounts.length && accounts.join() !== provider ? h("p", { class: "quiet" }, `Account ${accounts.join(", ")}`) : null,
    list,
    place.may("putFaults") ? form(provider, tells, add) : null));
  return (view) => {
    if (JSON.stringify(view.faults) === JSON.stringify(faults) && state.childNodes.length) return;
    faults = view.faults;
    fill(state, badge(faults.length ? BROKEN : WELL));
    const focused = list.contains(document.activeElement);
    fill(list, faults.map((fault, at) => h("li", {},
      h("span", {}, h("b", {}, told(fault)), scope(fault), h("span", { class: "quiet" }, ` Hit ${counted(fault.hits, "time")}.`)),
      h("button", { class: "plain", onclick: () => end(at), "aria-label": `Heal: ${provider} ${told(fault)}` }, "Heal"))));
    if (focused) (list.querySelector("button") ?? into.querySelector("select"))?.focus();
  };
}

function form(provider, tells, put) {
  const kinds = Object.entries(KINDS).filter(([, { told: needed }]) => tells || !needed);
  const id = (name) => `${name}-${provider}`;
  const kind = h("select", { id: id("kind") }, kinds.map(([name, { says }]) => h("option", { value: name }, says)));
  const share = h("input", { id: id("share"), type: "number", min: 1, max: 100, value: 100, required: true });
  const time = h("input", { id: id("time"), type: "number", min: 1, max: 86400, placeholder: "no end" });
  const field = (name, input, words) => h("div", { class: "field" }, h("label", { for: id(name) }, words), input);
  const enable = () => (share.disabled = KINDS[kind.value].whole === true);
  kind.addEventListener("change", enable);
  enable();
  const submit = (event) => {
    event.preventDefault();
    const { plan, whole } = KINDS[kind.value];
    put({ ...plan, share: whole ? 1 : share.valueAsNumber / 100, for_s: time.value ? time.valueAsNumber : null });
  };
  return h("form", { class: "fault-form", onsubmit: submit },
    field("kind", kind, "From now on it"), field("share", share, "Share in %"), field("time", time, "For seconds"),
    h("button", { "aria-label": `Break ${provider}` }, "Break it"));
}

/** A fault in force as it is put again: what is left of it. */
function again({ kind, share, target, status, text, delay_s, count, hits, left_s }) {
  return {
    kind, share, target, status, text, delay_s, count: count === null ? null : count - hits,
    for_s: left_s === null ? null : Math.max(left_s, 0.1),
  };
}

function told({ kind, status, delay_s: delay }) {
  const known = kind === "status" ? KINDS[`status${status}`] : kind === "slow" ? null : KINDS[kind];
  if (known) return known.says;
  return kind === "slow" ? `answers after ${span(delay)}` : kind === "status" ? `answers ${status ?? 500}` : kind;
}

function scope({ kind, share, left_s: left }) {
  const part = share < 1 && kind !== "refuse" ? `, ${Math.round(share * 100)} % of the requests` : "";
  return `${part}${left === null ? "" : `, for another ${span(Math.ceil(left))}`}.`;
}
