// Keys: who may call this project's API, when each was last used, and the end of one.

import { confirmed } from "./dialogs.js";
import { fill, h } from "./dom.js";
import { actionButton, choice, submits } from "./forms.js";
import { inOrder, poll } from "./live.js";
import { labelled } from "./recipients.js";
import { secretCard } from "./secrets.js";
import { when } from "./times.js";
import { badge } from "./words.js";

const LOOK_MS = 5000;
const PATH = "/v1/keys";
const SCOPES = [
  ["read", "read: look at everything"], ["send", "send: hand in mail, and look"], ["admin", "admin: everything, keys too"],
];
const ENDS = [["90", "in 90 days"], ["30", "in 30 days"], ["365", "in a year"], ["1", "tomorrow"], ["", "never by itself"]];
const STATES = {
  ok: { word: "in force", shape: "dot", tone: "good", means: "Its holder is let in." },
  revoked: { word: "revoked", shape: "cross", tone: "calm", means: "Nobody is let in with it." },
  expired: { word: "at its end", shape: "bar", tone: "calm", means: "Its time is over." },
};

/** @param {import("./frame.js").Place} place */
export function showKeys(place) {
  const rows = h("ol", { class: "rows entries", "aria-label": "Keys, newest first" });
  const empty = h("div");
  const made = h("div");
  const shown = { place, rows, empty, before: "", who: "" };
  const look = inOrder(() => read(shown), (keys) => draw(shown, keys));
  shown.look = look;
  fill(place.body, made, createForm(place, made, look), empty, rows);
  poll(look, LOOK_MS, place.signal, place.trouble);
}

function createForm(place, made, look) {
  const name = h("input", { id: "k-name", autocomplete: "off" });
  const scope = choice({ id: "k-scope" }, SCOPES);
  const days = choice({ id: "k-days" }, ENDS, ENDS[0][0]);
  const create = submits(place, { name, scope, days }, async () => {
    const asked = { name: name.value.trim(), scope: scope.value, ...(days.value ? { days: Number(days.value) } : {}) };
    const { body } = await place.api.post(PATH, asked);
    name.value = "";
    fill(made, secretCard(place, {
      title: "The new key", secret: body.token, done: () => (fill(made), name.focus()),
      words: "Copy it to where it is needed, now: only a digest of it is stored, and it is never shown again.",
    }));
    await look();
  });
  return h("form", { class: "card form", onsubmit: create, novalidate: true, "aria-label": "Make a key" },
    h("h2", {}, "Make a key"),
    h("div", { class: "triple" },
      labelled("k-name", "What it is for", name), labelled("k-scope", "What it may do", scope), labelled("k-days", "It ends", days)),
    h("div", { class: "actions" }, h("button", { class: "first" }, "Make the key")));
}

async function read(shown) {
  const { place } = shown;
  shown.who ||= (await place.api.get("/v1/whoami", {}, place.signal)).body.who;
  return (await place.api.get(PATH, {}, place.signal)).body.data.reverse();
}

function draw(shown, keys) {
  const { place, rows, empty } = shown;
  place.calm();
  const now = JSON.stringify(keys);
  if (now === shown.before) return;
  shown.before = now;
  const focused = document.activeElement?.id;
  fill(rows, keys.map((key) => row(shown, key)));
  fill(empty, keys.length ? null : h("div", { class: "empty" }, "No key has been made for this project."));
  if (focused) document.getElementById(focused)?.focus();
}

function row(shown, key) {
  const isMine = key.id === shown.who;
  return h("li", {},
    h("span", { class: "entry-name" }, key.name || "(no name)", " ", h("span", { class: "tag" }, key.scope),
      isMine ? h("span", { class: "tag" }, "yours") : null,
      h("span", { class: "quiet entry-id" }, h("code", {}, key.id))),
    h("span", { class: "entry-about" }, badge(STATES[key.state]), h("dl", { class: "row-data" },
      fact("last used", when(key.used_at)), fact("made", when(key.created_at)),
      key.revoked_at ? fact("revoked", when(key.revoked_at)) : fact("ends", key.expires_at ? when(key.expires_at) : "never"))),
    key.state === "ok" ? actionButton(shown.place, { id: `revoke-${key.id}`, "aria-label": `Revoke ${key.name || key.id}` },
      "Revoke", () => revoke(shown, key, isMine)) : null);
}

const fact = (name, value) => h("div", {}, h("dt", {}, name), h("dd", {}, value));

async function revoke(shown, key, isMine) {
  const yes = await confirmed({
    title: "Revoke this key?",
    words: [
      h("p", {}, h("b", {}, key.name || key.id), ", scope ", h("b", {}, key.scope), ", last used: ", when(key.used_at), "."),
      h("p", {}, "Whoever calls with it is refused within a second, everywhere. This can't be taken back."),
      isMine ? h("p", {}, h("b", {}, "It is the key that you are using: you will need another one to go on here.")) : null,
    ],
    yes: "Revoke it",
  });
  if (!yes) return;
  await shown.place.api.delete(`${PATH}/${encodeURIComponent(key.id)}`);
  shown.place.say("The key is revoked");
  await shown.look();
}
