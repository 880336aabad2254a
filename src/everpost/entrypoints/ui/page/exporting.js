// Lists as files, put together of the pieces that the API gives.

import { save } from "./saving.js";
import { counted } from "./words.js";

const CHARS_MAX = 32 * 1024 * 1024; // of one file

/** Saves a list under this name. @param {import("./frame.js").Place} place  @param {string} name
 *  @param {(cursor: string) => Promise<{text: string, next: string|null}>} ask for the piece that begins there */
export async function exportList(place, name, ask) {
  const pieces = [];
  let cursor = "";
  let chars = 0;
  do {
    place.say(`Reading, ${counted(pieces.length, "piece")} so far`);
    const { text, next } = await ask(cursor);
    pieces.push(text);
    chars += text.length;
    cursor = next;
  } while (cursor && chars < CHARS_MAX && !place.signal.aborted);
  if (place.signal.aborted) return;
  save(new Blob(pieces), name);
  place.say(cursor ? "The file is as large as it may be, and ends before the list does: narrow it" : `${name} is saved`);
}

/** "events-2030-01-31.csv" */
export function fileName(list, ending) {
  return `${list}-${new Date().toISOString().slice(0, 10)}.${ending}`;
}
