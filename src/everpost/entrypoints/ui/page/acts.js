// What a person can do to one mail: cancel, reschedule, send again, resolve. Each is asked about, and needs a reason.

import { answered, choiceField, reasonField, timeField } from "./asking.js";
import { h } from "./dom.js";
import { freshKey } from "./draft.js";
import { instantOf } from "./forms.js";
import { sentence } from "./problems.js";
import { when } from "./times.js";
import { counted, FINAL } from "./words.js";

const OPEN = new Set(["uncertain", "held"]);

export const DECISIONS = [
  ["sent", "It was sent: the provider has it"],
  ["failed", "It was not sent, and will not be"],
  ["resend", "Send it again: twice, if the provider has it after all"],
];

/** @type {{name: string, says: string, fits: (mail: any) => boolean, ask: (mail: any) => Promise<any>, done: string}[]} */
const ACTS = [
  {
    name: "resolve", says: "Resolve", done: "Resolved",
    fits: (mail) => mail.deliveries.some((one) => OPEN.has(one.state)),
    ask: askToResolve,
  },
  {
    name: "resend", says: "Send again", done: "Accepted as a new mail",
    fits: (mail) => FINAL.has(mail.state) && !mail.removed.length,
    ask: (mail) => answered({
      title: "Send this mail again?",
      words: [h("p", {}, "A new mail is made of this one, for its ", counted(mail.recipients.length, "recipient"),
        ". This one stays as it is: ", mail.state, ".")],
      fields: [timeField("Not before (optional)", false), reasonField()], yes: "Send it again",
    }),
  },
  {
    name: "reschedule", says: "Reschedule", done: "Moved",
    fits: (mail) => mail.deliveries.some((one) => one.state === "queued" && !one.attempts),
    ask: (mail) => answered({
      title: "Hand it over at another time?",
      words: [h("p", {}, mail.send_at ? ["It is to be sent at ", when(mail.send_at), ". "] : null,
        "It expires at ", when(mail.deliveries[0].expires_at), ".")],
      fields: [timeField("Not before", true), reasonField()], yes: "Move it",
    }),
  },
  {
    name: "cancel", says: "Cancel the mail", done: "Cancelled",
    fits: (mail) => mail.deliveries.some((one) => one.state === "queued"),
    ask: (mail) => answered({
      title: "Cancel this mail?",
      words: [h("p", {}, `“${mail.subject}” will not be handed to any provider for its `,
        `${counted(mail.recipients.length, "recipient")}. This can't be undone.`)],
      fields: [reasonField(false)], yes: "Cancel the mail", no: "Keep it",
    }),
  },
];

async function askToResolve(mail) {
  const [open] = mail.deliveries.filter((one) => OPEN.has(one.state));
  const given = await answered({
    title: "What became of it?",
    words: [h("p", {}, sentence(open.reason)), h("p", {}, "Look into the records of ", h("b", {}, open.account ?? "the provider"),
      open.provider_message_id ? [" for ", h("code", {}, open.provider_message_id)] : null, " before you decide.")],
    fields: [choiceField("You say", "decision", DECISIONS), reasonField()], yes: "Resolve it",
  });
  return given && { ...given, attempts: open.attempts };
}

/** Buttons for what fits the mail as it stands, and the caller may do. */
export function actButtons(place, mail) {
  return ACTS.filter((act) => act.fits(mail) && place.may(`${act.name}Email`)).map((act) => h("button", { onclick: () => perform(place, mail, act) }, act.says));
}

async function perform(place, mail, act) {
  const key = freshKey();
  const given = await act.ask(mail);
  if (!given) return;
  const body = { ...given, send_at: instantOf(given.send_at ?? "") || undefined };
  try {
    const path = `/v1/emails/${encodeURIComponent(mail.id)}/${act.name}`;
    const answer = await place.api.post(path, body, act.name === "resend" ? { "Idempotency-Key": key } : {});
    place.say(act.done);
    if (answer.body.id === mail.id) place.again();
    else place.go(`#/messages/${encodeURIComponent(answer.body.id)}`);
  } catch (error) {
    place.trouble(error);
  }
}
