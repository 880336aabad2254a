// The dev inbox: what the sandbox providers have taken, newest first, live.

import { confirmed } from "./dialogs.js";
import { fill, h } from "./dom.js";
import { inOrder, poll } from "./live.js";
import { when } from "./times.js";
import { counted, listed } from "./words.js";

const LOOK_MS = 2000;
const NAMED_MAX = 3;

/** @param {import("./frame.js").Place} place */
export function showInbox(place) {
  const cursor = place.query.get("cursor") ?? "";
  const rows = h("ol", { class: "rows", "aria-label": "Mails that were taken" });
  const nothing = h("div", { class: "empty", hidden: true },
    h("p", {}, "The sandbox providers have taken no mail yet."), h("p", {}, h("a", { href: "#/send" }, "Send one")));
  const pages = h("div", { class: "pages" });
  const clear = h("button", { disabled: true, onclick: () => cleared(place, draw) }, "Forget all of them");
  let before = "";
  const read = async () => (await place.api.get("/v1/inbox", { limit: 50, cursor }, place.signal)).body;
  const draw = inOrder(read, ({ data, next_cursor: next }) => {
    place.calm();
    const now = JSON.stringify([data.map((mail) => mail.id), next]);
    if (now === before) return;
    before = now;
    const known = new Map([...rows.children].map((row) => [row.dataset.id, row]));
    fill(rows, data.map((mail) => known.get(mail.id) ?? row(mail)));
    nothing.hidden = data.length > 0;
    clear.disabled = !data.length || !place.may("clearInbox");
    fill(pages,
      cursor ? h("a", { class: "button", href: "#/inbox" }, "Newest") : null,
      next ? h("a", { class: "button", href: `#/inbox?cursor=${encodeURIComponent(next)}` }, "Older") : null);
  });
  fill(place.body,
    h("div", { class: "card-head" },
      h("p", { class: "quiet" }, "Mail that stays on this machine: no provider in the world has seen it. ",
        h("a", { href: "#/sandbox" }, "Break a provider"), " to see what Everpost does."),
      clear),
    rows, nothing, pages);
  poll(draw, LOOK_MS, place.signal, place.trouble);
}

function row(mail) {
  const people = [...mail.to, ...mail.cc, ...mail.bcc];
  const more = people.length > NAMED_MAX ? [...people.slice(0, NAMED_MAX), `${people.length - NAMED_MAX} more`] : people;
  const files = mail.attachments.length;
  return h("li", { "data-id": mail.id },
    h("a", { href: `#/inbox/${encodeURIComponent(mail.id)}`, "data-row": true },
      h("span", { class: "row-state quiet" }, mail.provider),
      h("span", { class: "row-subject" }, mail.subject || "(no subject)"),
      h("span", { class: "row-people" }, `${mail.from} to ${listed(more)}`),
      h("span", { class: "row-by" }, files ? counted(files, "file") : null),
      h("span", { class: "row-tags" }, mail.tags.map((tag) => h("span", { class: "tag" }, tag))),
      h("span", { class: "row-when" }, when(mail.received_at))));
}

async function cleared(place, draw) {
  const yes = await confirmed({
    title: "Forget all mails of the inbox?",
    words: [h("p", {}, "What Everpost knows of them stays. This can't be undone.")],
    yes: "Forget them", no: "Keep them",
  });
  if (!yes) return;
  try {
    await place.api.delete("/v1/inbox");
    await draw();
    place.say("The inbox is empty");
    place.title.focus();
  } catch (error) {
    place.trouble(error);
  }
}
