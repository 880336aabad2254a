// Forms that ask the API for something: while it is asked they rest, and what it refuses is said at the field.

import { Refused } from "./api.js";
import { focusLater, h } from "./dom.js";
import { mark } from "./recipients.js";

/** What to do when a form is submitted. Of what the API refuses, the fields are told that it names.
 *  @param {import("./frame.js").Place} place  @param {Object<string, HTMLElement>} fields by the API's names
 *  @param {() => Promise<void>} act  @returns {(event: SubmitEvent) => Promise<void>} */
export function submits(place, fields, act) {
  return async (event) => {
    event.preventDefault();
    const go = focusLater();
    Object.values(fields).forEach((field) => mark(field, ""));
    const faulty = await resting(event.submitter ?? event.target.querySelector("button"), () => trying(place, fields, act));
    go(faulty);
  };
}

/** The first field that is refused. */
async function trying(place, fields, act) {
  try {
    await act();
    return null;
  } catch (error) {
    if (place.signal.aborted) return null; // the fields that have these names by now are others
    const told = error instanceof Refused ? error.problem.errors ?? [] : [];
    const named = told.map((one) => [fields[one.field.split(/[.[]/)[0]], one.message]).filter(([field]) => field);
    named.reverse().forEach(([field, words]) => mark(field, sentence(words)));
    if (!named.length) place.trouble(error);
    return named.at(-1)?.[0] ?? null;
  }
}

/** A button that does something; what goes wrong is told above the view.
 *  @param {import("./frame.js").Place} place  @param {Object<string, any>} attributes  @param {string} says
 *  @param {() => Promise<void>} act */
export function actionButton(place, attributes, says, act) {
  const onclick = (event) => resting(event.currentTarget, async () => {
    try {
      await act();
    } catch (error) {
      place.trouble(error);
    }
  });
  return h("button", { type: "button", ...attributes, onclick }, says);
}

/** Nobody can press it twice. */
async function resting(button, work) {
  button.disabled = true;
  try {
    return await work();
  } finally {
    button.disabled = false;
  }
}

function sentence(words) {
  return `${words[0].toUpperCase()}${words.slice(1)}.`;
}

/** A choice of one. @param {Object<string, any>} attributes  @param {[string, string][]} options value and word
 *  @param {string} [chosen] */
export function choice(attributes, options, chosen = "") {
  return h("select", attributes, options.map(([value, word]) => h("option", { value, selected: value === chosen }, word)));
}

/** An instant of the API as a field for local time takes it, and back. */
export function localTime(instant) {
  if (!instant) return "";
  const at = new Date(instant);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

export const instantOf = (local) => (local ? new Date(local).toISOString() : "");
