// One webhook: how it does, what was tried, and all that can be done with it.

import { confirmed } from "./dialogs.js";
import { fill, h } from "./dom.js";
import { actionButton, instantOf, submits } from "./forms.js";
import { inOrder, poll } from "./live.js";
import { labelled } from "./recipients.js";
import { secretCard } from "./secrets.js";
import { lasting, when } from "./times.js";
import { webhookForm } from "./webhook_form.js";
import { webhookState } from "./webhooks.js";
import { badge, listed } from "./words.js";

const LOOK_MS = 3000;
const OF_MAIL = "em_"; // ids of other events do not tell where they stand in the trail
const TAKEN = { word: "taken", shape: "dot", tone: "good", means: "" };
const FAILED = { word: "failed", shape: "cross", tone: "bad", means: "" };

/** @param {import("./frame.js").Place} place */
export function showWebhook(place) {
  const parts = { standing: h("div"), secret: h("div"), actions: h("div", { class: "half" }), attempts: h("div") };
  const shown = { place, path: `/v1/webhooks/${encodeURIComponent(place.id)}`, parts, before: "", known: null,
    mayChange: place.may("changeWebhook") };
  shown.look = inOrder(() => read(shown), (told) => draw(shown, told));
  fill(place.body, h("p", { class: "back" }, h("a", { href: "#/webhooks" }, "All webhooks")), parts.secret,
    h("div", { class: "halves" }, h("div", { class: "half" }, parts.standing, parts.actions), parts.attempts));
  poll(shown.look, LOOK_MS, place.signal, place.trouble);
}

async function read({ place, path }) {
  const webhook = (await place.api.get(path, {}, place.signal)).body;
  return { webhook, attempts: (await place.api.get(`${path}/attempts`, {}, place.signal)).body.data };
}

function draw(shown, { webhook, attempts }) {
  const { place, parts } = shown;
  place.calm();
  const now = JSON.stringify([webhook, attempts]);
  if (now === shown.before) return;
  shown.before = now;
  const focused = document.activeElement?.id;
  fill(place.title, webhook.url);
  fill(parts.standing, standing(webhook));
  fill(parts.attempts, attemptsCard(shown, attempts));
  if (shown.mayChange && shown.known?.enabled !== webhook.enabled) fill(parts.actions, ...actions(shown, webhook));
  shown.known = webhook;
  if (focused) document.getElementById(focused)?.focus();
}

function standing(webhook) {
  const fact = (name, value) => h("div", {}, h("dt", {}, name), h("dd", {}, value));
  const some = (name, all) => (all.length ? fact(name, listed(all)) : null);
  return h("section", { class: "card" },
    h("div", { class: "card-head" }, h("h2", {}, "How it does"), webhookState(webhook)),
    webhook.reason ? h("p", {}, `Disabled: ${webhook.reason}.`) : null,
    h("dl", { class: "facts" },
      webhook.description ? fact("For", webhook.description) : null,
      webhook.format === "standard" ? null : fact("In the format of", webhook.format),
      webhook.has_login ? fact("Login", "yes") : null,
      webhook.verification_key ? fact("Verification key", h("code", {}, webhook.verification_key)) : null,
      webhook.events.length ? some("Only events", webhook.events) : fact("Events", "all"),
      some("Only accounts", webhook.accounts), some("Only tags", webhook.tags),
      fact("Taken", webhook.delivered.toLocaleString()), fact("Given up", webhook.given_up.toLocaleString()),
      fact("Waiting", webhook.next_attempt_at
        ? [`${webhook.waiting.toLocaleString()}, the next at `, when(webhook.next_attempt_at)] : webhook.waiting.toLocaleString()),
      fact("Last success", when(webhook.ok_at)),
      webhook.failing_since ? fact("Failing since", [when(webhook.failing_since), `, ${webhook.failures} in a row`]) : null,
      webhook.is_replaying ? fact("Replay", "under way") : null,
      webhook.old_secrets_until ? fact("Old secrets sign until", when(webhook.old_secrets_until)) : null,
      fact("Made", when(webhook.created_at))));
}

function actions(shown, webhook) {
  const { place, path } = shown;
  const result = h("div", { role: "status" });
  const test = async () => {
    const { ok, status, latency_ms: took, error } = (await place.api.post(`${path}/test`)).body;
    const words = ok ? `Taken with status ${status} in ${lasting(took)}.` : sentence(error || `status ${status}`);
    fill(result, h("p", {}, badge(ok ? TAKEN : FAILED), " ", words));
  };
  return [
    h("section", { class: "card" }, h("h2", {}, "Try it"),
      h("p", { class: "quiet" }, "An event of the type webhook.test is posted at once, even while it is disabled."),
      h("div", { class: "actions" },
        actionButton(place, { id: "w-test" }, "Send a test", test),
        actionButton(place, { id: "w-enabled" }, webhook.enabled ? "Disable" : "Enable", () => turn(shown, !webhook.enabled)),
        actionButton(place, { id: "w-rotate" }, "New secret", () => rotate(shown)),
        actionButton(place, { id: "w-delete" }, "Delete", () => remove(shown, webhook))), result),
    replayForm(shown),
    h("details", { class: "change" }, h("summary", {}, "Change it"),
      webhookForm(place, webhook, { title: "Change it", says: "Save", act: async (given) => {
        await place.api.patch(path, given);
        place.say("It is changed");
        await shown.look();
      } })),
  ];
}

async function turn(shown, enabled) {
  await shown.place.api.patch(shown.path, { enabled });
  shown.place.say(enabled ? "It is enabled" : "It is disabled");
  await shown.look();
}

async function rotate(shown) {
  const yes = await confirmed({
    title: "Give it a new secret?", yes: "New secret",
    words: [h("p", {}, "The new one signs from now on. The old one signs beside it for a day, so that the receiver can change.")],
  });
  if (!yes) return;
  const { body } = await shown.place.api.post(`${shown.path}/rotate`);
  fill(shown.parts.secret, secretCard(shown.place, {
    title: "Its new secret", secret: body.secret, done: () => fill(shown.parts.secret),
    words: "Give it to the receiver within a day. Copy it now: it is never shown again.",
  }));
  await shown.look();
}

async function remove(shown, webhook) {
  const yes = await confirmed({
    title: "Delete this webhook?", yes: "Delete it",
    words: [h("p", {}, h("b", {}, webhook.url), " gets nothing any more."),
      h("p", {}, `${webhook.waiting.toLocaleString()} events that wait for it are forgotten with it. `
        + "To stop it for a while, disable it: then it goes on where it stopped.")],
  });
  if (!yes) return;
  await shown.place.api.delete(shown.path);
  shown.place.say("It is deleted");
  shown.place.go("#/webhooks");
}

function replayForm(shown) {
  const time = (id) => h("input", { id, type: "datetime-local" });
  const fields = {
    event: h("input", { id: "r-event", autocomplete: "off", spellcheck: "false" }), since: time("r-since"), until: time("r-until"),
  };
  const replayed = submits(shown.place, fields, async () => {
    const given = { event: fields.event.value.trim(), since: instantOf(fields.since.value), until: instantOf(fields.until.value) };
    await replay(shown, Object.fromEntries(Object.entries(given).filter(([, value]) => value)));
  });
  return h("form", { class: "card form", onsubmit: replayed, novalidate: true, "aria-label": "Replay" },
    h("h2", {}, "Replay"),
    h("p", { class: "quiet" }, "Events are posted once more with the ids that they had, so the receiver can tell what it knows."),
    labelled("r-event", "One event", fields.event, "Its id or its sequence; or leave it empty, and say a time:"),
    h("div", { class: "pair" }, labelled("r-since", "From", fields.since),
      labelled("r-until", "Until (empty: now)", fields.until)),
    h("div", { class: "actions" }, h("button", {}, "Replay")));
}

async function replay(shown, wanted) {
  await shown.place.api.post(`${shown.path}/replay`, wanted);
  shown.place.say("The replay begins");
  await shown.look();
}

function attemptsCard(shown, attempts) {
  return h("section", { class: "card attempts" },
    h("h2", {}, "The latest attempts"),
    attempts.length ? h("ol", { "aria-label": "Attempts, newest first" }, attempts.map((one) => attempt(shown, one)))
      : h("p", { class: "quiet" }, "Nothing was posted yet."));
}

function attempt(shown, one) {
  const again = () => replay(shown, { event: one.event });
  const id = `again-${one.event}-${one.number}-${one.at}`;
  return h("li", {},
    h("span", { class: "attempt-head" }, badge(one.error ? FAILED : TAKEN), h("b", {}, one.type), when(one.at)),
    h("span", { class: "quiet" }, `attempt ${one.number}`, one.status ? `, status ${one.status}` : ", no answer", `, ${lasting(one.latency_ms)}`,
      one.error ? `: ${one.error}` : null, one.next_at ? ["; again at ", when(one.next_at)] : null),
    h("code", { class: "quiet" }, one.event),
    shown.mayChange && one.event.startsWith(OF_MAIL) ? actionButton(shown.place, { id, class: "plain", "aria-label": `Replay ${one.event}` }, "Replay", again) : null);
}

function sentence(words) {
  return `${words[0].toUpperCase()}${words.slice(1)}.`;
}
