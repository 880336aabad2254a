// Webhooks: addresses that events are posted to, and how each does.

import { fill, h } from "./dom.js";
import { inOrder, poll } from "./live.js";
import { secretCard } from "./secrets.js";
import { when } from "./times.js";
import { webhookForm } from "./webhook_form.js";
import { badge, counted } from "./words.js";

const LOOK_MS = 4000;
const PATH = "/v1/webhooks";
const EMPTY = { url: "", description: "", events: [], accounts: [], tags: [] };
const LOOKS = {
  disabled: { word: "disabled", shape: "bar", tone: "calm", means: "It gets nothing, and goes on where it stopped." },
  failing: { word: "failing", shape: "triangle", tone: "warn", means: "Its latest events were not taken; they are tried again." },
  replaying: { word: "replaying", shape: "arrow", tone: "calm", means: "It is told events once more." },
  good: { word: "gets events", shape: "dot", tone: "good", means: "It takes what it is told." },
};

/** How a webhook does, as a badge. */
export function webhookState(webhook) {
  const name = !webhook.enabled ? "disabled" : webhook.failures ? "failing" : webhook.is_replaying ? "replaying" : "good";
  return badge(LOOKS[name]);
}

/** @param {import("./frame.js").Place} place */
export function showWebhooks(place) {
  const rows = h("ol", { class: "rows entries", "aria-label": "Webhooks" });
  const empty = h("div");
  const made = h("div");
  let before = "";
  const read = async () => (await place.api.get(PATH, {}, place.signal)).body.data;
  const look = inOrder(read, (all) => {
    place.calm();
    const now = JSON.stringify(all);
    if (now === before) return;
    before = now;
    const focused = document.activeElement?.id;
    fill(rows, all.map(row));
    fill(empty, all.length ? null : h("div", { class: "empty" }, "Nobody is told of events yet."));
    if (focused) document.getElementById(focused)?.focus();
  });
  const create = place.may("createWebhook") ? h("div") : null;
  const drawForm = () => fill(create, webhookForm(place, EMPTY, { title: "Have events posted to an address", says: "Make the webhook",
    act: async (given) => {
      const { body } = await place.api.post(PATH, given);
      drawForm();
      fill(made, secretCard(place, {
        title: "Its secret", secret: body.secret, done: () => (fill(made), create.querySelector("input").focus()),
        words: "With it the receiver verifies that events come from here. Copy it now: it is never shown again.",
      }));
      await look();
    } }));
  if (create) drawForm();
  fill(place.body, made, empty, rows, create);
  poll(look, LOOK_MS, place.signal, place.trouble);
}

function row(webhook) {
  return h("li", {},
    h("span", { class: "entry-name" },
      h("a", { id: `webhook-${webhook.id}`, href: `#/webhooks/${encodeURIComponent(webhook.id)}`, "data-row": true }, webhook.url),
      webhook.description ? h("span", { class: "quiet entry-id" }, webhook.description) : null),
    h("span", { class: "entry-about" }, webhookState(webhook), h("span", { class: "quiet" }, " ",
      counted(webhook.delivered, "event"), " taken",
      webhook.waiting ? `, ${webhook.waiting.toLocaleString()} waiting` : null,
      webhook.given_up ? `, ${webhook.given_up.toLocaleString()} given up` : null,
      webhook.ok_at ? [", last at ", when(webhook.ok_at)] : null)));
}
