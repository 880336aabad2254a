// One mail of the dev inbox: its content, and what may go wrong with it where it is read.

import { fill, h } from "./dom.js";
import { poll } from "./live.js";
import { preview } from "./preview.js";
import { when } from "./times.js";
import { badge, counted } from "./words.js";

const LOOK_MS = 20_000; // whether it is still there: it does not change

const LEVELS = {
  fault: { word: "fault", shape: "cross", tone: "bad", means: "Readers will miss something." },
  warning: { word: "warning", shape: "triangle", tone: "warn", means: "Some readers may miss something." },
};

/** @param {import("./frame.js").Place} place */
export function showCaught(place) {
  const path = `/v1/inbox/${encodeURIComponent(place.id)}`;
  let before = "";
  const look = async () => {
    const mail = (await place.api.get(path, {}, place.signal)).body;
    place.calm();
    const now = JSON.stringify(mail);
    if (now === before) return;
    before = now;
    fill(place.title, mail.subject || "(no subject)");
    document.title = `${mail.subject || "A mail"} - Everpost`;
    fill(place.body,
      h("p", { class: "back" }, h("a", { href: "#/inbox" }, "The whole inbox")),
      h("div", { class: "halves mail" },
        h("section", { class: "card" }, h("h2", {}, "Content"), preview(content(place, path, mail), place.trouble)),
        h("div", { class: "half" }, about(place, path, mail), mail.html ? findings(mail.findings) : null)));
  };
  poll(look, LOOK_MS, place.signal, place.trouble);
}

function content(place, path, mail) {
  return {
    ...mail,
    source: async () => (await place.api.file(`${path}/source`)).text(),
    headers: [
      ["From", mail.from], ["To", mail.to.join(", ")], ["Cc", mail.cc.join(", ")], ["Reply-To", mail.reply_to.join(", ")],
      ["Subject", mail.subject], ...Object.entries(mail.headers)].filter(([, value]) => value),
    attachments: mail.attachments.map((file, at) => ({ ...file, read: () => place.api.file(`${path}/attachments/${at}`) })),
  };
}

function about(place, path, mail) {
  const message = (mail.delivery_id ?? "").split(".")[0];
  const metadata = Object.entries(mail.metadata).map(([name, value]) => `${name}=${value}`).join(", ");
  const rows = [
    ["From", mail.from], ["To", mail.to.join(", ")], ["Cc", mail.cc.join(", ")], ["Bcc", mail.bcc.join(", ")],
    ["Taken by", mail.provider],
    ["At", when(mail.received_at)],
    ["Its story", message ? h("a", { href: `#/messages/${encodeURIComponent(message)}` }, message) : "not sent by Everpost"],
    ["Tags", mail.tags.length ? mail.tags.map((tag) => h("span", { class: "tag" }, tag)) : null],
    ["Metadata", metadata],
    ["Provider's id", h("code", {}, mail.provider_message_id)],
  ];
  const forget = async () => {
    try {
      await place.api.delete(path);
      place.say("Forgotten");
      place.go("#/inbox");
    } catch (error) {
      place.trouble(error);
    }
  };
  return h("section", { class: "card" },
    h("div", { class: "card-head" }, h("h2", {}, "About it"),
      place.may("removeCaught") ? h("button", { onclick: forget }, "Forget it") : null),
    h("dl", { class: "facts" }, rows.filter(([, value]) => value).map(([name, value]) =>
      h("div", {}, h("dt", {}, name), h("dd", {}, value)))));
}

function findings(found) {
  const words = found.length ? counted(found.length, "finding") : "Nothing that may go wrong was found";
  return h("section", { class: "card" },
    h("h2", {}, "Where it is read: ", words),
    h("ul", { class: "findings" }, found.map((one) => h("li", {},
      h("p", {}, badge(LEVELS[one.level]), " ", h("b", {}, one.title), one.count > 1 ? ` (${one.count})` : null),
      h("p", { class: "quiet" }, one.advice),
      one.examples.map((example) => h("code", {}, example))))));
}
