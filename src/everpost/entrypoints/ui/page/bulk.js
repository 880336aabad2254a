// One action on all mails that the filter finds: counted first, then done step by step.

import { DECISIONS } from "./acts.js";
import { answered, choiceField, reasonField, timeField } from "./asking.js";
import { confirmed, told } from "./dialogs.js";
import { h } from "./dom.js";
import { freshKey } from "./draft.js";
import { instantOf } from "./forms.js";
import { counted } from "./words.js";

const ACTIONS = {
  cancel: { says: "Cancel", words: "Cancel what is queued", fields: () => [] },
  reschedule: { says: "Move", words: "Hand it over at another time", fields: () => [timeField("Not before", true)] },
  resend: { says: "Send again", words: "Send again what is final, as new mails", fields: () => [] },
  resolve: { says: "Resolve", words: "Resolve what is uncertain or held", fields: () => [choiceField("You say", "decision", DECISIONS)] },
};

/** @param {import("./frame.js").Place} place  @param {Object<string, string>} asked the filter */
export function bulkButton(place, asked) {
  const filter = Object.fromEntries(Object.entries(asked).filter(([, value]) => value));
  if (!Object.keys(filter).length || !place.may("bulkEmails")) return null;
  return h("button", { type: "button", class: "bulk", onclick: () => begin(place, filter) }, "Act on all of these");
}

async function begin(place, filter) {
  const chosen = await answered({
    title: "What is to be done to all of these?",
    words: [h("p", {}, "You will be told how many there are before anything is done.")],
    fields: [choiceField("Action", "action", Object.entries(ACTIONS).map(([name, { words }]) => [name, words]))],
    yes: "Go on",
  });
  if (!chosen) return;
  const action = ACTIONS[chosen.action];
  const given = await answered({ title: action.words, words: [], fields: [...action.fields(), reasonField()], yes: "Count them" });
  if (!given) return;
  const wanted = { action: chosen.action, filter, ...given, send_at: instantOf(given.send_at ?? "") || undefined };
  try {
    await countAndDo(place, action, wanted);
  } catch (error) {
    place.trouble(error);
  }
}

async function countAndDo(place, action, wanted) {
  place.say("Counting");
  const would = await steps(place, { ...wanted, dry_run: true });
  const yes = would.done > 0 && await confirmed({
    title: `${action.says}: ${counted(would.done, "mail")}?`,
    words: [h("p", {}, `${counted(would.matched, "mail")} found. `, `“${action.words}” fits ${would.done} of them.`),
      refusals(would.refused), h("p", { class: "quiet" }, "What comes from now on is left alone.")],
    yes: `${action.says}: ${counted(would.done, "mail")}`,
  });
  if (!would.done) told("Nothing to be done", [h("p", {}, `${counted(would.matched, "mail")} found.`), refusals(would.refused)]);
  if (!yes) return;
  const filter = { ...wanted.filter, created_before: would.at };
  const did = await steps(place, { ...wanted, filter });
  place.again();
  told("Done", [h("p", {}, `${action.says}: ${did.done} of ${counted(did.matched, "mail")}.`), refusals(did.refused)]);
}

/** All steps, added up. The same key for all of them: a mail is sent again once. */
async function steps(place, body) {
  const sum = { at: "", matched: 0, done: 0, refused: new Map() };
  const headers = { "Idempotency-Key": freshKey() };
  let cursor;
  do {
    const step = (await place.api.post("/v1/emails/bulk", { ...body, cursor }, headers, place.signal)).body;
    sum.at ||= step.at;
    sum.matched += step.matched;
    sum.done += step.done;
    for (const { detail } of step.refused) sum.refused.set(detail, (sum.refused.get(detail) ?? 0) + 1);
    cursor = step.next_cursor ?? undefined;
    place.say(`${sum.matched} looked at`);
  } while (cursor);
  return sum;
}

function refusals(refused) {
  return refused.size ? h("ul", { class: "refused" }, [...refused].map(([detail, count]) =>
    h("li", {}, `${counted(count, "mail")}: ${detail}.`))) : null;
}
