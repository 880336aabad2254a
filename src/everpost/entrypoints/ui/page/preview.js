// The content of a mail: its html in a frame that may do nothing, its text, source, headers and files.

import { fill, h } from "./dom.js";
import { save } from "./saving.js";
import { bytes } from "./words.js";

/**
 * A file of a mail. `read` fetches its content; without it, there is nothing to download.
 * @typedef {{filename: string, content_type: string, size_bytes: number, content_id?: string|null,
 *   read?: () => Promise<Blob>}} File
 */

/** What the frame is told before anything of the mail: nothing but inline styles and images that the mail brings. The
 *  frame also has the policy of this page, and its sandbox: no script, no form, an origin of its own. */
const HEAD = `<!doctype html><meta charset="utf-8"><meta http-equiv="x-dns-prefetch-control" content="off">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">`;

/** Elements that call their host in spite of the policy: browsers connect ahead of a check that stops the request. */
const CALLING = /<(?=(?:link|i?frame|fencedframe|portal|object|embed)(?![a-z-]))/gi;

const PICTURES_BYTES_MAX = 5 * 1024 * 1024; // shown inline in the html

/** The content of a mail, one part of it at a time. What is null or empty is left out.
 *  @param {{html?: string|null, text?: string|null, source?: (() => Promise<string>)|null,
 *    headers?: [string, string][], attachments?: File[]}} mail  `source` is fetched when it is asked for
 *  @param {(error: Error) => void} trouble  is told of what could not be fetched
 *  @returns {HTMLElement} */
export function preview({ html, text, source, headers = [], attachments = [] }, trouble) {
  const parts = [
    html ? ["HTML", () => framed(html, attachments, trouble)] : null,
    text ? ["Text", () => words(text, "The mail's text")] : null,
    source ? ["Source", () => sourced(source, trouble)] : null,
    headers.length ? ["Headers", () => listed(headers)] : null,
    attachments.length ? [`Files (${attachments.length})`, () => files(attachments, trouble)] : null,
  ].filter(Boolean);
  if (!parts.length) return h("p", { class: "quiet" }, "It has no content.");
  const shown = h("div", { class: "part" }, parts[0][1]());
  const choice = ([name, show], at) => h("label", { class: "choice" },
    h("input", { type: "radio", name: "part", value: name, checked: at === 0, onchange: () => fill(shown, show()) }), name);
  return h("div", { class: "preview" },
    h("fieldset", { class: "choices" }, h("legend", { class: "unseen" }, "Part of the mail"), parts.map(choice)), shown);
}

function framed(html, attachments, trouble) {
  const frame = h("iframe", {
    class: "mail-frame", sandbox: "", title: "The mail's html", referrerpolicy: "no-referrer", "aria-busy": "true",
  });
  const ready = () => frame.removeAttribute("aria-busy");
  const show = (markup) => {
    const address = URL.createObjectURL(new Blob([HEAD, markup.replace(CALLING, "<x-")], { type: "text/html;charset=utf-8" }));
    frame.addEventListener("load", () => (URL.revokeObjectURL(address), ready()), { once: true });
    frame.src = address;
  };
  const pictures = attachments.filter((one) => one.read && one.content_id && html.includes(`cid:${one.content_id}`));
  const weight = pictures.reduce((sum, one) => sum + one.size_bytes, 0);
  if (pictures.length && weight <= PICTURES_BYTES_MAX) withPictures(html, pictures).then(show, (error) => (ready(), trouble(error)));
  else show(html);
  return frame;
}

/** The html with the images that it brings along in place of their names. */
async function withPictures(html, pictures) {
  const addresses = await Promise.all(pictures.map(async (one) => dataAddress(await one.read(), one.content_type)));
  return pictures.reduce((markup, one, at) => markup.replaceAll(`cid:${one.content_id}`, addresses[at]), html);
}

function dataAddress(blob, type) {
  const typed = new Blob([blob], { type: /^image\/[\w.+-]+$/.test(type) ? type : "application/octet-stream" });
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => resolve(reader.result));
    reader.addEventListener("error", () => reject(reader.error));
    reader.readAsDataURL(typed);
  });
}

function words(text, name) {
  return h("pre", { tabindex: "0", "aria-label": name }, text);
}

function sourced(source, trouble) {
  const into = h("div", { "aria-busy": "true" }, h("p", { class: "quiet" }, "Reading its source …"));
  const show = (text) => {
    into.removeAttribute("aria-busy");
    const keep = () => save(new Blob([text]), "mail.eml");
    fill(into, words(text, "The mail's source"), h("p", {}, h("button", { onclick: keep }, "Save as mail.eml")));
  };
  source().then(show, (error) => (fill(into), trouble(error)));
  return into;
}

function listed(headers) {
  return h("dl", { class: "facts" }, headers.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}

function files(attachments, trouble) {
  const keep = (one) => one.read().then((blob) => save(blob, one.filename)).catch(trouble);
  return h("ul", { class: "files" }, attachments.map((one) => h("li", {},
    h("span", {}, one.filename),
    h("span", { class: "quiet" }, `${one.content_type}, ${bytes(one.size_bytes)}`),
    one.read ? h("button", { onclick: () => keep(one), "aria-label": `Save ${one.filename}` }, "Save") : null)));
}
