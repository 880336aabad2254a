// What a mail says. Read only when somebody asks for it.

import { fill, h } from "./dom.js";
import { preview } from "./preview.js";
import { problem } from "./problems.js";

/** @param {import("./frame.js").Place} place  @param {string} id */
export function contentCard(place, id) {
  const path = `/v1/emails/${encodeURIComponent(id)}`;
  const into = h("div", { class: "content" });
  let isRead = false;
  const read = async (event) => {
    if (!event.target.open || isRead) return;
    isRead = true;
    fill(into, h("p", { class: "quiet" }, "Reading it …"));
    try {
      const content = (await place.api.get(`${path}/content`, {}, place.signal)).body;
      fill(into, content.removed.includes("content")
        ? h("p", { class: "quiet" }, "What it said is no longer kept.") : preview(shown(place, path, content), place.trouble));
    } catch (error) {
      isRead = false;
      if (!place.signal.aborted) fill(into, problem(error, place.docs));
    }
  };
  return h("details", { class: "card", ontoggle: read }, h("summary", {}, "What it says"), into);
}

function shown(place, path, content) {
  return {
    ...content,
    source: async () => (await place.api.file(`${path}/source`)).text(),
    headers: [["Subject", content.subject], ...Object.entries(content.headers)],
    attachments: content.attachments.map((file, at) => ({ ...file, read: () => place.api.file(`${path}/attachments/${at}`) })),
  };
}
