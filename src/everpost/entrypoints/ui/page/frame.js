// What stands around every view: its title, that it is being read, and what went wrong.

import { Api, Refused } from "./api.js";
import { fill, h } from "./dom.js";
import { keyForm } from "./key.js";
import { problem } from "./problems.js";
import { when } from "./times.js";

/**
 * Where a view is shown. It ends with `signal`. `trouble` shows what went wrong above it; `calm`, after each good look,
 * takes away that it is being read and what was in the way of looking, and leaves what somebody has asked for and not
 * got. `say` tells those who hear the page; `again` shows the view anew and `go` leads to another one, unless somebody has
 * left it by then. `may` says whether the caller may use an operation of the API.
 * @typedef {{api: Api, docs: string, id: string, query: URLSearchParams, body: HTMLElement, title: HTMLElement,
 *   signal: AbortSignal, say: (text: string) => void, trouble: (error: Error) => void, calm: () => void,
 *   again: () => void, go: (hash: string) => void, may: (operation: string) => boolean}} Place
 */

const main = document.getElementById("main");
const said = document.getElementById("said");

/** @param {import("./app.js").App} app  @param {{title: string, id: string, query: URLSearchParams}} asked
 *  @param {AbortController} leave  @param {() => void} again  @returns {Place} */
export function framed(app, { title, id, query }, leave, again) {
  const heading = h("h1", { tabindex: "-1" }, title);
  const reading = h("p", { class: "reading", role: "status" }, "Reading …");
  const notice = h("div", { class: "notice" });
  const body = h("div", { class: "body" });
  fill(main, h("div", { class: "heading" }, heading, reading), notice, body);
  const told = { error: null, calmAt: null };
  const clear = () => {
    told.error = null;
    fill(notice);
  };
  return {
    id, query, body, docs: app.docs, title: heading, signal: leave.signal,
    api: new Api(app.address),
    say: (text) => fill(said, text),
    again: () => leave.signal.aborted || again(),
    go: (hash) => leave.signal.aborted || (location.hash = hash),
    may: (operation) => app.rights.may(operation),
    calm: () => {
      reading.remove();
      told.calmAt = new Date();
      if (told.error && isPassing(told.error)) clear();
    },
    trouble: (error) => {
      if (error.name === "AbortError" || leave.signal.aborted) return;
      reading.remove();
      if (error instanceof Refused && error.problem.code === "unauthorized") {
        leave.abort();
        clear();
        fill(body, keyForm(error, app.keyChanged));
      } else if (!isSame(error, told.error)) {
        told.error = error;
        fill(notice, problem(error, app.docs), below(error, told.calmAt, clear));
      }
    },
  };
}

/** Whether the next look may find it gone. */
function isPassing(error) {
  return error instanceof Refused && (error.problem.code === "unreachable" || (error.problem.status ?? 0) >= 500);
}

/** Whether it was said already, by the look before. */
function isSame(error, before) {
  return before !== null && isPassing(error) && error.problem.code === before.problem?.code;
}

/** What can still be relied on, and a way to put the words away that do not go by themselves. */
function below(error, calmAt, clear) {
  if (!isPassing(error)) return h("button", { class: "plain", onclick: clear }, "Put this away");
  return calmAt ? h("p", { class: "quiet" }, "What stands below was true at ", when(calmAt.toISOString()), ".") : null;
}
