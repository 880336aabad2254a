// The way to the views: links in a row, behind a button where there is no room for a row.

import { fill, h } from "./dom.js";
import { VIEWS } from "./views.js";

/** Draws the links to what the API offers. @param {import("./rights.js").Rights} rights */
export function drawNavigation(rights) {
  const navigation = document.getElementById("views");
  const shown = VIEWS.filter((view) => view.link && rights.isOffered(view.needs));
  if (navigation.children.length === shown.length) return; // they are there, one perhaps in focus
  fill(navigation, shown.map((view) => h("a", { href: `#/${view.name}` }, view.link)));
}

/** Marks where the reader is. @param {import("./views.js").View} view */
export function markNavigation(view) {
  for (const link of document.querySelectorAll("#views a")) {
    if (link.hash === `#/${view.of ?? view.name}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

export function closeMenu() {
  opened(false);
}

export function listenToMenu() {
  const menu = document.getElementById("menu");
  menu.addEventListener("click", () => opened(menu.getAttribute("aria-expanded") !== "true"));
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || menu.getAttribute("aria-expanded") !== "true") return;
    opened(false);
    menu.focus();
  });
}

function opened(isOpen) {
  document.getElementById("menu").setAttribute("aria-expanded", String(isOpen));
}
