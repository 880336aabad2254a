// Send: a form, the same request as a program makes it, the answer, and the story of the mail.

import { Refused } from "./api.js";
import { attachmentPlace } from "./attachments.js";
import { fieldOf, freshKey, missing, request } from "./draft.js";
import { fill, focusLater, h } from "./dom.js";
import { poll } from "./live.js";
import { lossChoice } from "./losses.js";
import { pairRows } from "./pairs.js";
import { problem } from "./problems.js";
import { labelled, mark, recipientRows } from "./recipients.js";
import { snippetCard } from "./snippets.js";
import { liveStory } from "./timeline.js";
import { state } from "./words.js";

const LOOK_MS = 3000;
const HEADERS = {
  id: "header", legend: "Headers", add: "Add a header", hint: "Further ones; what has a field of its own here is refused.",
};
const METADATA = {
  id: "metadata", legend: "Metadata", add: "Add an entry", hint: "Your own data: in its events and webhooks, not in the mail.",
};
const ON_UNKNOWN = [["", "As the route says"], ["resend", "Send it again"], ["hold", "Hold it for a person"]];

/** @param {import("./frame.js").Place} place */
export function showSend(place) {
  const changed = () => snippet.draw();
  const parts = {
    files: attachmentPlace(changed), people: recipientRows(changed),
    headers: pairRows(HEADERS, changed), metadata: pairRows(METADATA, changed), losses: lossChoice(changed),
  };
  const fields = { ...inputs(changed), attachments: parts.files.field, allowLoss: parts.losses.field };
  const read = () => ({
    fields, people: parts.people.read(), headers: parts.headers.read(), metadata: parts.metadata.read(),
    allowLoss: parts.losses.read(), ...parts.files.read(),
  });
  const snippet = snippetCard(() => request(read()), place.api.shown, place.say);
  const answer = h("div", { class: "answer" });
  const button = h("button", { class: "first" }, "Send");
  const form = h("form", { class: "card form", novalidate: true, onsubmit: (event) => {
    event.preventDefault();
    send({ place, form, read, files: parts.files, answer, button, drawn: changed });
  } }, mainParts(fields, parts), furtherParts(fields, parts, changed), h("div", { class: "actions" }, button));
  fill(place.body, h("div", { class: "halves" }, form, h("div", { class: "half" }, answer, snippet.element)));
  snippet.draw();
  fillRoutes(place, fields.route);
}

function inputs(changed) {
  const input = (id, attributes = {}) => h("input", { id, autocomplete: "off", oninput: changed, ...attributes });
  const area = (id, rows) => h("textarea", { id, rows, oninput: changed, spellcheck: "true" });
  const choice = (id, ...options) => h("select", { id, onchange: changed }, options);
  return {
    from: input("from", { inputmode: "email", spellcheck: "false", "data-find": true }),
    fromName: input("from-name"),
    subject: input("subject"),
    text: area("text", 5),
    html: area("html", 3),
    tags: input("tags"),
    route: choice("route", h("option", { value: "default" }, "default")),
    onUnknown: choice("on-unknown", ON_UNKNOWN.map(([value, words]) => h("option", { value }, words))),
    sendAt: input("send-at", { type: "datetime-local" }),
    expiresAt: input("expires-at", { type: "datetime-local" }),
    key: input("idempotency-key", { value: freshKey(), spellcheck: "false" }),
  };
}

function mainParts(fields, parts) {
  return [
    h("div", { class: "pair" },
      labelled("from", "From", fields.from), labelled("from-name", "Name (optional)", fields.fromName)),
    parts.people.element,
    labelled("subject", "Subject", fields.subject),
    labelled("text", "Text", fields.text),
    labelled("html", "HTML (optional)", fields.html),
    parts.files.element,
  ];
}

function furtherParts(fields, parts, changed) {
  const fresh = () => {
    fields.key.value = freshKey();
    changed();
  };
  return [
    h("details", {}, h("summary", {}, "Tags, route, time and idempotency key"),
      labelled("tags", "Tags", fields.tags, "Up to 10, with commas between them; mails are found by them."),
      h("div", { class: "pair" },
        labelled("route", "Route", fields.route, "Which accounts may carry it."),
        labelled("on-unknown", "When nobody can tell whether a provider has it", fields.onUnknown),
        labelled("send-at", "Not before", fields.sendAt, "Your local time; empty: now."),
        labelled("expires-at", "Not after", fields.expiresAt, "It fails if it was not handed over by then.")),
      parts.losses.elements,
      labelled("idempotency-key", "Idempotency key", fields.key,
        "The same key with the same mail is one mail, however often it is sent. A new one is made after each mail."),
      h("button", { type: "button", onclick: fresh }, "Make a new key")),
    h("details", {}, h("summary", {}, "Headers and metadata"), parts.headers.element, parts.metadata.element),
  ];
}

/** Asks until there is an answer, and then no more. */
function fillRoutes(place, select) {
  poll(async () => {
    const routes = (await place.api.get("/v1/routes", {}, place.signal)).body.data;
    place.calm();
    const chosen = select.value;
    fill(select, routes.map((route) => h("option", { value: route.name, selected: route.name === chosen },
      `${route.name}: ${route.accounts.map((one) => one.account).join(", ")}`)));
    return null;
  }, LOOK_MS, place.signal, place.trouble);
}

async function send(asked) {
  const { form, files, button } = asked;
  const go = focusLater();
  button.disabled = true;
  form.querySelectorAll("[aria-invalid]").forEach((field) => mark(field, ""));
  try {
    await files.whole(); // what is being read goes with it
    const entered = asked.read();
    const gaps = missing(entered);
    if (gaps.length) marked(gaps, go);
    else await hand(asked, entered, go);
  } finally {
    button.disabled = false;
  }
}

async function hand({ place, answer, drawn }, entered, go) {
  const { path, body, key } = request(entered);
  fill(answer, h("p", { class: "card quiet", "aria-busy": "true" }, "Sending …")); // the answer before was to another mail
  place.say("Sending");
  try {
    const given = await place.api.post(path, body, key ? { "Idempotency-Key": key } : {});
    place.calm();
    fill(answer, ...accepted(place, given));
    entered.fields.key.value = freshKey();
    drawn();
    go(answer.querySelector("h2"));
  } catch (error) {
    fill(answer);
    if (!place.signal.aborted) refused({ place, error, entered, answer, go });
  }
}

function refused({ place, error, entered, answer, go }) {
  if (!(error instanceof Refused) || error.problem.code === "unauthorized") {
    place.trouble(error);
    return;
  }
  fill(answer, problem(error, place.docs));
  const named = (error.problem.errors ?? []).map((one) => [fieldOf(one.field, entered), one.message]);
  const known = named.filter(([field]) => field);
  if (known.length) marked(known, go);
  else go(answer.firstElementChild);
}

/** Says what is wrong at each field, and goes to the first. */
function marked(pairs, go) {
  for (const [field, words] of pairs) {
    mark(field, words);
    field.closest("details")?.setAttribute("open", "");
  }
  go(pairs[0][0]);
}

function accepted(place, given) {
  const { id } = given.body;
  const standing = h("span", {}, state(given.body.state));
  const isReplay = given.headers.get("idempotency-replayed") === "true";
  return [
    h("section", { class: "card" },
      h("div", { class: "card-head" }, h("h2", { tabindex: "-1" }, isReplay ? "Accepted before" : "Accepted"), standing),
      h("p", {}, isReplay ? "This key stands for a mail already; this is its answer." : "It is on disk; this is its story.",
        " ", h("a", { href: `#/messages/${encodeURIComponent(id)}` }, id)),
      liveStory(place, id, (mail) => fill(standing, state(mail.state))),
      h("details", {}, h("summary", {}, `The answer: status ${given.status}`),
        h("pre", { tabindex: "0" }, JSON.stringify(given.body, null, 2)))),
  ];
}
