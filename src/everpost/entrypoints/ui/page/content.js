// What a mail says: as HTML, as text, its source, its headers and its files. Read only when somebody asks for it.

import { fill, h } from "./dom.js";
import { preview } from "./preview.js";
import { problem } from "./problems.js";

const INLINE_BYTES_MAX = 1024 * 1024;
const PICTURE = /^image\/(png|jpeg|gif|webp)\b/;

/** @param {import("./frame.js").Place} place  @param {string} id */
export function contentCard(place, id) {
  const into = h("div", { class: "content" });
  let isRead = false;
  const read = async (event) => {
    if (!event.target.open || isRead) return;
    isRead = true;
    fill(into, h("p", { class: "quiet" }, "Reading it …"));
    try {
      const path = `/v1/emails/${encodeURIComponent(id)}`;
      const content = (await place.api.get(`${path}/content`, {}, place.signal)).body;
      fill(into, content.removed.includes("content")
        ? h("p", { class: "quiet" }, "What it said is no longer kept.") : await parts(place, path, content));
    } catch (error) {
      isRead = false;
      if (!place.signal.aborted) fill(into, problem(error, place.docs));
    }
  };
  return h("details", { class: "card", ontoggle: read }, h("summary", {}, "What it says"), into);
}

async function parts(place, path, content) {
  const inline = content.html ? await pictures(place, path, content) : new Map();
  const all = [
    ["HTML", content.html && (() => preview(content.html, inline, place.signal))],
    ["Text", content.text && (() => words(content.text, "The mail as text"))],
    ["Source", content.html && (() => words(content.html, "The source of its HTML"))],
    ["Headers", () => headers(content)],
    [`Files (${content.attachments.length})`, content.attachments.length && (() => files(place, path, content.attachments))],
  ].filter(([, draw]) => draw);
  return tabs(all);
}

/** @param {[string, () => HTMLElement][]} all */
function tabs(all) {
  const panel = h("div", { role: "tabpanel", id: "part", tabindex: "0" });
  const buttons = all.map(([name], at) => h("button", {
    type: "button", role: "tab", id: `part-${at}`, "aria-controls": "part", onclick: () => show(at), onkeydown: (event) => step(event, at),
  }, name));
  const show = (at) => {
    buttons.forEach((button, place) => {
      button.setAttribute("aria-selected", String(place === at));
      button.tabIndex = place === at ? 0 : -1;
    });
    panel.setAttribute("aria-labelledby", `part-${at}`);
    fill(panel, all[at][1]());
  };
  const step = (event, at) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    const next = (at + by + all.length) % all.length;
    show(next);
    buttons[next].focus();
  };
  show(0);
  return [h("div", { role: "tablist", class: "tabs", "aria-label": "What it says" }, buttons), panel];
}

function words(text, label) {
  return h("pre", { tabindex: "0", "aria-label": label }, text);
}

function headers(content) {
  const rows = [["Subject", content.subject], ...Object.entries(content.headers)];
  return h("dl", { class: "facts" }, rows.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}

function files(place, path, attachments) {
  return h("ul", { class: "files" }, attachments.map((file, at) => h("li", {},
    h("span", {}, file.filename), h("span", { class: "quiet" }, `${file.content_type}, ${size(file.size_bytes)}`),
    h("button", { type: "button", "aria-label": `Download ${file.filename}`, onclick: () => download(place, `${path}/attachments/${at}`, file.filename) },
      "Download"))));
}

function size(bytes) {
  if (bytes === null) return "large";
  return bytes < 1024 ? `${bytes} B` : bytes < 1024 * 1024 ? `${Math.round(bytes / 1024)} KiB` : `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}

async function download(place, path, name) {
  try {
    const address = URL.createObjectURL(await place.api.blob(path, place.signal));
    h("a", { href: address, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(address), 60_000);
  } catch (error) {
    place.trouble(error);
  }
}

/** Pictures that the HTML shows inline, as data, by their content id. */
async function pictures(place, path, { html, attachments }) {
  const wanted = attachments.map((file, at) => ({ ...file, at })).filter((file) => file.content_id
    && PICTURE.test(file.content_type) && file.size_bytes !== null && file.size_bytes <= INLINE_BYTES_MAX
    && html.includes(`cid:${file.content_id}`));
  const read = wanted.map(async (file) => {
    const bytes = await place.api.blob(`${path}/attachments/${file.at}`, place.signal);
    return [file.content_id, await dataOf(bytes, file.content_type.match(PICTURE)[0])];
  });
  return new Map(await Promise.all(read));
}

function dataOf(blob, type) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(`data:${type};base64,${String(reader.result).split(",")[1] ?? ""}`);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
}
