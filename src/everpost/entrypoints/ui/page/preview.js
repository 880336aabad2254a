// The HTML of a mail, where it can do nothing: an opaque sandbox without scripts, forms or any way to the network.

import { h } from "./dom.js";

/** For the frame alone, and stricter than the page's own, which it has as well. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'";
const HEAD = "<!doctype html><meta charset=\"utf-8\">"
  + `<meta http-equiv="Content-Security-Policy" content="${POLICY}">`
  + "<meta http-equiv=\"x-dns-prefetch-control\" content=\"off\"><meta name=\"referrer\" content=\"no-referrer\">";

/** Elements that call their host in spite of the policy: browsers connect ahead of a check that stops the request. */
const CALLING = /<(?=(?:link|i?frame|fencedframe|portal|object|embed)(?![a-z-]))/gi;

/** @param {string} html  @param {Map<string, string>} inline  data of pictures, by their content id
 *  @param {AbortSignal} signal  after which it is not shown any more */
export function preview(html, inline, signal) {
  const shown = html.replace(/cid:([^"'\s)>]+)/gi, (whole, id) => inline.get(id) ?? whole).replace(CALLING, "<x-");
  const address = URL.createObjectURL(new Blob([HEAD, shown], { type: "text/html;charset=utf-8" }));
  signal.addEventListener("abort", () => URL.revokeObjectURL(address));
  return h("iframe", { class: "preview", title: "The mail as HTML, without scripts and remote content", sandbox: true, src: address, referrerpolicy: "no-referrer" });
}
