// Asking for the API key, and forgetting it.

import { h } from "./dom.js";
import { session } from "./session.js";

/** Asks for a key.
 *  @param {import("./api.js").Refused|null} refused  what the API said without one, or of the last one
 *  @param {() => void} changed */
export function keyForm(refused, changed) {
  const wasTried = session.isEntered && refused !== null;
  const input = h("input", {
    id: "key", type: "password", autocomplete: "off", spellcheck: "false", required: true,
    "aria-describedby": "key-words", "aria-invalid": wasTried ? "true" : null,
  });
  const use = (event) => {
    event.preventDefault();
    session.enter(input.value.trim());
    changed();
  };
  const form = h("form", { class: "card narrow", onsubmit: use },
    h("h2", {}, refused ? "An API key is needed" : "Another API key"),
    h("p", { id: "key-words" },
      wasTried ? `The last one was not taken: ${refused.problem.detail ?? refused.problem.title}. ` : null,
      "It stays in this tab until you close it or forget the key, and goes to the API alone. ",
      h("code", {}, "everpost keys create --scope admin"), " makes one; ", h("code", {}, "read"),
      " is enough to look, ", h("code", {}, "send"), " to send."),
    h("label", { for: "key" }, "API key"),
    input,
    h("div", { class: "actions" }, h("button", { class: "first" }, "Use this key")));
  if (refused) queueMicrotask(() => input.focus());
  return form;
}

/** Forgets the key; null while there is none. */
export function keyButton(changed) {
  if (!session.isEntered) return null;
  const forget = () => {
    session.leave();
    changed();
  };
  return h("button", { class: "plain", onclick: forget }, "Forget key");
}
