// What happens, as it happens: server-sent events, read by fetch, which can carry a key. Without them: looks.

import { rest, seen, SLOWEST_MS } from "./live.js";

const LOOK_MS = 3000; // between two looks where no stream can be had
const GATHER_MS = 300; // what happens meanwhile is told together
const PREFIX = "data: ";

/**
 * Calls `look` now and after all that happens, with the ids of the mails that it happened to. A stream that ends, breaks
 * or is refused is opened again; until then, `look` is called every few seconds. While the tab is hidden, nothing is.
 * @param {import("./frame.js").Place} place
 * @param {(ids: string[]) => Promise<void>} look
 */
export async function follow(place, look) {
  const { signal } = place;
  let pause = LOOK_MS;
  let streams = true;
  while (!signal.aborted) {
    const visit = whileSeen(signal);
    try {
      if (streams) for await (const ids of news(place.api, visit.signal)) await look(ids);
    } catch (error) {
      if (error.problem?.code === "no_streams") streams = false;
    } finally {
      visit.abort();
    }
    if (signal.aborted) return;
    await seen(signal);
    try {
      await look([]);
      pause = LOOK_MS;
    } catch (error) {
      if (signal.aborted) return;
      place.trouble(error);
      pause = Math.min(pause * 2, SLOWEST_MS);
    }
    await rest(pause, signal);
  }
}

/** Ids of the mails that something has happened to, gathered; none when the stream begins. */
async function* news(api, signal) {
  const stream = await api.stream("/v1/events", signal);
  const heard = new Set();
  let begun = true;
  let over = false;
  let stirred = () => null;
  pour(stream, (event) => {
    if (event.data.message_id) heard.add(event.data.message_id);
    stirred();
  }).catch(() => null).finally(() => {
    over = true;
    stirred();
  });
  while (!over || heard.size) {
    if (!begun && !heard.size) await new Promise((resolve) => (stirred = resolve));
    begun = false;
    const ids = [...heard];
    heard.clear();
    yield ids;
    await rest(GATHER_MS, signal);
  }
}

async function pour(stream, tell) {
  const reader = stream.getReader();
  let text = "";
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
    const blocks = (text + piece.value).split("\n\n");
    text = blocks.pop();
    for (const line of blocks.flatMap((block) => block.split("\n"))) {
      if (line.startsWith(PREFIX)) tell(JSON.parse(line.slice(PREFIX.length)));
    }
  }
}

/** Ends with the given signal, and when nobody looks any more. */
function whileSeen(signal) {
  const visit = new AbortController();
  const hide = () => document.hidden && visit.abort();
  document.addEventListener("visibilitychange", hide, { signal: visit.signal });
  signal.addEventListener("abort", () => visit.abort(), { signal: visit.signal });
  return visit;
}
