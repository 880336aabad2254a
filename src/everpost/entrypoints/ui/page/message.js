// One mail: how it stands, its story, whom it is for, and what can still be done.

import { actButtons } from "./acts.js";
import { contentCard } from "./content.js";
import { fill, h } from "./dom.js";
import { when } from "./times.js";
import { liveStory } from "./timeline.js";
import { counted, person, recipientState, state, STATES } from "./words.js";

const KINDS = { to: "To", cc: "Cc", bcc: "Bcc" };

/** @param {import("./frame.js").Place} place */
export function showMessage(place) {
  const standing = h("div", { class: "standing" });
  const about = h("div", { class: "half" });
  const whole = h("pre", { tabindex: "0", "aria-label": "The mail as the API tells it" });
  const changed = (mail) => {
    known.forEach((part) => part.hidden = false);
    fill(place.title, mail.subject || "(no subject)");
    document.title = `${mail.subject || place.id} - Everpost`;
    fill(standing, state(mail.state), h("span", {}, (STATES[mail.state] ?? {}).means),
      h("div", { class: "actions" }, actButtons(place, mail)));
    fill(about, facts(mail), recipients(mail));
    fill(whole, JSON.stringify(mail, null, 2));
  };
  const story = liveStory(place, place.id, changed);
  const known = [
    h("div", { class: "halves" },
      h("section", { class: "card" }, h("h2", {}, "Story"), story,
        h("p", {}, h("a", { href: `#/events?message=${encodeURIComponent(place.id)}` }, "Its events"))),
      about),
    contentCard(place, place.id),
    h("details", {}, h("summary", {}, "All that the API tells of it"), whole),
  ];
  known.forEach((part) => part.hidden = true);
  fill(place.body,
    h("p", { class: "back" }, h("a", { href: "#/messages" }, "All messages")),
    standing,
    known);
}

function facts(mail) {
  const [delivery] = mail.deliveries;
  const metadata = Object.entries(mail.metadata).map(([name, value]) => `${name}=${value}`).join(", ");
  const rows = [
    ["From", person(mail.from)],
    ["Accepted", when(mail.created_at)],
    ["Not before", mail.send_at && when(mail.send_at)],
    ["Expires", when(delivery.expires_at)],
    ["Looked at next", delivery.due_at && when(delivery.due_at)],
    ["Reason", delivery.reason],
    ["Made of", mail.resend_of && h("a", { href: `#/messages/${encodeURIComponent(mail.resend_of)}` }, mail.resend_of)],
    ["Route", mail.route],
    ["Tags", mail.tags.length ? mail.tags.map((tag) => h("span", { class: "tag" }, tag)) : null],
    ["Metadata", metadata],
    ["Provider's id", delivery.provider_message_id],
    ["Id", h("code", {}, mail.id)],
  ];
  return h("section", { class: "card" }, h("h2", {}, "About it"), h("dl", { class: "facts" },
    rows.filter(([, value]) => value).map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)))));
}

function recipients(mail) {
  return h("section", { class: "card" }, h("h2", {}, counted(mail.recipients.length, "recipient")),
    h("ul", { class: "people" }, mail.recipients.map((one) => h("li", {},
      h("span", { class: "kind" }, KINDS[one.kind] ?? one.kind), h("span", {}, person(one)), recipientState(one.state),
      one.told_at ? h("span", { class: "told" }, when(one.told_at), one.reason ? `: ${one.reason}` : null) : null))));
}
