// Send: a form, the same request as a program makes it, the answer, and the story of the mail.

import { Refused } from "./api.js";
import { attachmentPlace } from "./attachments.js";
import { fieldOf, freshKey, missing, request } from "./draft.js";
import { fill, h } from "./dom.js";
import { problem } from "./problems.js";
import { labelled, mark, recipientRows } from "./recipients.js";
import { snippetCard } from "./snippets.js";
import { liveStory } from "./timeline.js";
import { state } from "./words.js";

/** @param {import("./frame.js").Place} place */
export function showSend(place) {
  const changed = () => snippet.draw();
  const files = attachmentPlace(changed);
  const fields = { ...inputs(changed), attachments: files.field };
  const recipients = recipientRows(changed);
  const read = () => request(fields, recipients.read(), files.read());
  const snippet = snippetCard(read, place.api.shown, place.say);
  const answer = h("div", { class: "answer" });
  const button = h("button", { class: "first" }, "Send");
  const form = h("form", { class: "card form", novalidate: true, onsubmit: (event) => {
    event.preventDefault();
    send({ place, fields, recipients: recipients.read(), files, answer, button, drawn: changed });
  } }, formParts(fields, recipients, files, changed), h("div", { class: "actions" }, button));
  fill(place.body, h("div", { class: "halves" }, form, h("div", { class: "half" }, answer, snippet.element)));
  snippet.draw();
  fillRoutes(place, fields.route);
}

function inputs(changed) {
  const input = (id, attributes = {}) => h("input", { id, autocomplete: "off", oninput: changed, ...attributes });
  const area = (id, rows) => h("textarea", { id, rows, oninput: changed, spellcheck: "true" });
  return {
    from: input("from", { inputmode: "email", spellcheck: "false", "data-find": true }),
    fromName: input("from-name"),
    subject: input("subject"),
    text: area("text", 5),
    html: area("html", 3),
    tags: input("tags"),
    route: h("select", { id: "route", onchange: changed }, h("option", { value: "default" }, "default")),
    sendAt: input("send-at", { type: "datetime-local" }),
    key: input("idempotency-key", { value: freshKey(), spellcheck: "false" }),
  };
}

function formParts(fields, recipients, files, changed) {
  const fresh = () => {
    fields.key.value = freshKey();
    changed();
  };
  return [
    h("div", { class: "pair" },
      labelled("from", "From", fields.from), labelled("from-name", "Name (optional)", fields.fromName)),
    recipients.element,
    labelled("subject", "Subject", fields.subject),
    labelled("text", "Text", fields.text),
    labelled("html", "HTML (optional)", fields.html),
    files.element,
    h("details", {}, h("summary", {}, "Tags, route, time and idempotency key"),
      labelled("tags", "Tags", fields.tags, "Up to 10, with commas between them; mails are found by them."),
      h("div", { class: "pair" },
        labelled("route", "Route", fields.route, "Which accounts may carry it."),
        labelled("send-at", "Not before", fields.sendAt, "Your local time; empty: now.")),
      labelled("idempotency-key", "Idempotency key", fields.key,
        "The same key with the same mail is one mail, however often it is sent. A new one is made after each mail."),
      h("button", { type: "button", onclick: fresh }, "Make a new key")),
  ];
}

async function fillRoutes(place, select) {
  try {
    const routes = (await place.api.get("/v1/routes", {}, place.signal)).body.data;
    const chosen = select.value;
    fill(select, routes.map((route) => h("option", { value: route.name, selected: route.name === chosen },
      `${route.name}: ${route.accounts.map((one) => one.account).join(", ")}`)));
  } catch (error) {
    place.trouble(error);
  }
}

async function send({ place, fields, recipients, files, answer, button, drawn }) {
  const all = [...Object.values(fields), ...recipients.map((one) => one.field)];
  all.forEach((field) => mark(field, ""));
  const gaps = missing(fields, recipients);
  if (gaps.length) {
    marked(gaps);
    return;
  }
  const { path, body, key } = request(fields, recipients, files.read());
  button.disabled = true;
  place.say("Sending");
  try {
    const given = await place.api.post(path, body, key ? { "Idempotency-Key": key } : {});
    place.calm();
    fill(answer, ...accepted(place, given));
    fields.key.value = freshKey();
    drawn();
    answer.querySelector("h2").focus();
  } catch (error) {
    refused({ place, error, fields, recipients, answer });
  } finally {
    button.disabled = false;
  }
}

function refused({ place, error, fields, recipients, answer }) {
  if (!(error instanceof Refused) || error.problem.code === "unauthorized") {
    place.trouble(error);
    return;
  }
  fill(answer, problem(error, place.docs));
  const named = (error.problem.errors ?? []).map((one) => [fieldOf(one.field, fields, recipients), one.message]);
  const known = named.filter(([field]) => field);
  if (known.length) marked(known);
  else answer.firstElementChild.focus();
}

/** Says what is wrong at each field, and goes to the first. */
function marked(pairs) {
  pairs.forEach(([field, words]) => mark(field, words));
  pairs[0][0].closest("details")?.setAttribute("open", "");
  pairs[0][0].focus();
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
