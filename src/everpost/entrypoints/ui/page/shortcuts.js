// Single keys, for those who like them; they can be turned off, since speech input types them by mistake (WCAG 2.1.4).

import { told } from "./dialogs.js";
import { h } from "./dom.js";
import { VIEWS } from "./views.js";

const OFF = "everpost.shortcuts.off";
const KEYS = [
  ["/", "to the first filter"], ["j", "to the next row"], ["k", "to the row before"], ["?", "these words"],
];

const areOn = () => localStorage.getItem(OFF) === null;

/** Views that a letter leads to. @param {import("./app.js").App} app */
const reached = (app) => VIEWS.filter((view) => view.key && app.rights.isOffered(view.needs));

/** @param {import("./app.js").App} app */
export function listenToKeys(app) {
  let goes = false;
  document.addEventListener("keydown", (event) => {
    const busy = event.target.closest("input, textarea, select, dialog") || event.ctrlKey || event.metaKey || event.altKey;
    if (busy || !areOn()) return;
    const view = goes && reached(app).find((one) => one.key === event.key);
    if (view) location.hash = `#/${view.name}`;
    else if (event.key === "/") find(app, event);
    else if (event.key === "j") step(1, event);
    else if (event.key === "k") step(-1, event);
    else if (event.key === "?") showKeys(app);
    goes = event.key === "g";
  });
}

/** @param {import("./app.js").App} app */
export function shortcutsButton(app) {
  return h("button", { class: "plain wide-only", onclick: () => showKeys(app) }, "Shortcuts");
}

/** Who is quick types it before the view is there. */
async function find(app, event) {
  event.preventDefault(); // a browser may have a search of its own behind it
  await app.turned;
  document.querySelector("[data-find]")?.focus();
}

function focus(element, event) {
  if (!element) return;
  event.preventDefault();
  element.focus();
}

function step(by, event) {
  const rows = [...document.querySelectorAll("[data-row]")];
  const at = rows.indexOf(document.activeElement);
  focus(rows[at === -1 ? 0 : Math.min(Math.max(at + by, 0), rows.length - 1)], event);
}

function showKeys(app) {
  const keys = [...reached(app).map((view) => [`g ${view.key}`, view.link]), ...KEYS];
  const change = (event) => {
    if (event.target.checked) localStorage.removeItem(OFF);
    else localStorage.setItem(OFF, "yes");
  };
  const box = h("input", { type: "checkbox", onchange: change, checked: areOn() });
  told("Shortcuts", [
    h("dl", { class: "keys" }, keys.map(([key, words]) => h("div", {}, h("dt", {}, key.split(" ").map((one) =>
      h("kbd", {}, one))), h("dd", {}, words)))),
    h("label", { class: "check" }, box, "Single keys are on"),
  ]);
}
