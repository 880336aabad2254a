// Refusals in words: what happened, the API's own detail, and what can be done about it.

import { h, shape } from "./dom.js";
import { Refused } from "./api.js";

/** By code: how to mend it, from the place of somebody who sits before this page. */
const MENDS = {
  unreachable: "Is the server running, and is this page's origin listed in its http.page_origins? "
    + "The page asks again by itself.",
  no_json: "Look at `api` in config.json: it must be the address of the API, without a path.",
  unauthorized: "Enter an API key that is not revoked. `everpost keys create --scope admin` makes one.",
  forbidden: "Use a key of the scope that the detail names; `everpost keys create` makes one.",
  not_local: "Without keys only this machine may call: open the page at http://127.0.0.1.",
  not_found: "It may have been purged, belong to another project, or its address is mistyped.",
  validation_failed: "Mend the fields that are named, and send again. Nothing was accepted.",
  bad_parameter: "Change the filter that is named, or clear all of them.",
  no_account_can_carry: "Choose another route, or mend what each account says of it. Nothing was accepted.",
  idempotency_mismatch: "The key stands for another mail already. Use a new one.",
  idempotency_running: "Its first request is still running. Send again in a moment.",
  idempotency_expired: "Its mail is no longer kept. Use a new key.",
  not_reschedulable: "Cancel it, and send it again for that time; or leave it.",
  not_resendable: "Wait until it is final; what is no longer kept has to be written anew.",
  not_resolvable: "Somebody else, or the provider's answer, was quicker. Its story below says what happened.",
  attachment_unavailable: "Try again in a moment; if it stays so, the place of attachments needs a look.",
  too_many_webhooks: "Delete one that is not needed any more.",
  webhook_busy: "Its replay is under way, or too many events wait for it. Try again when that is over.",
  too_many_keys: "Revoke one that is not needed any more.",
  body_too_large: "Send it in several parts.",
  not_cancellable: "A provider has it, or may have it. Its story below says which.",
  version_conflict: "Somebody else has changed it meanwhile. Nothing was changed; look again, then decide.",
  overloaded: "Nothing was accepted. Send again in a moment.",
  store_unavailable: "Nothing was accepted. Send again, best with an idempotency key.",
  internal_error: "The server's log has the details under the request id.",
};

/** The words of an error as a part of the page.
 *  @param {Error} error
 *  @param {string} docs  the page that explains the codes; empty: there is none */
export function problem(error, docs) {
  const told = error instanceof Refused
    ? error.problem
    : { code: "page_fault", title: "Something is wrong with this page", detail: String(error) };
  const retry = error instanceof Refused && error.retryAfter ? ` Retry after ${error.retryAfter} s.` : "";
  return h("section", { class: "problem", role: "alert", tabindex: "-1" },
    h("h2", {}, shape("cross"), told.title),
    told.detail && !told.errors?.length ? h("p", {}, marked(sentence(told.detail))) : null,
    told.errors?.length ? h("ul", {}, told.errors.map(fault)) : null,
    MENDS[told.code] || retry ? h("p", {}, h("b", {}, "How to mend it: "), (MENDS[told.code] ?? "") + retry) : null,
    h("p", { class: "quiet" }, code(told, docs),
      told.status ? ` · status ${told.status}` : null,
      told.request_id ? [" · request ", h("code", {}, told.request_id)] : null));
}

function code(told, docs) {
  const name = h("code", {}, told.code);
  return docs && told.request_id ? h("a", { href: `${docs}#problem-${told.code}` }, name) : name;
}

function fault(error) {
  return h("li", {}, h("code", {}, error.field), " ", marked(error.message));
}

/** Text in which `code` stands between backticks, as the API writes it. */
function marked(text) {
  return text.split("`").map((part, at) => (at % 2 ? h("code", {}, part) : part));
}

/** What the API says starts small; here it is a sentence of its own. */
export function sentence(text) {
  const start = /^[a-z]+\b(?![`'_.\-[])/.test(text) ? text[0].toUpperCase() + text.slice(1) : text;
  return /[.!?]$/.test(start) ? start : `${start}.`;
}
