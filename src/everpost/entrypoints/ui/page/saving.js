// Files that are saved to the reader's disk.

import { h } from "./dom.js";

const KEPT_MS = 60_000; // long enough for a browser that asks where to

/** Saves it under this name, as bytes: the browser shows and runs nothing of it.
 *  @param {Blob} blob  @param {string} name */
export function save(blob, name) {
  const address = URL.createObjectURL(new Blob([blob], { type: "application/octet-stream" }));
  h("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), KEPT_MS);
}
