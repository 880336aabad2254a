// A long list of which only the rows in sight are elements; those that leave are used again for those that come.

import { h } from "./dom.js";

const BEYOND = 12; // rows above and below what is in sight

/** @typedef {{id: string}} Row */

/**
 * Rows must all be as high as the first one. `paint` fills the link of a row; `end` is called when the end comes near.
 * @param {{label: string, paint: (link: HTMLElement, row: Row) => void, href: (row: Row) => string, end: () => void,
 *   signal: AbortSignal}} options
 */
export function windowed({ label, paint, href, end, signal }) {
  const list = h("ol", { class: "rows windowed", "aria-label": label });
  const sheet = new CSSStyleSheet();
  const painted = new WeakMap(); // by element: the row as it is shown
  let rows = [];
  let asked = 0;

  const fresh = () => {
    const link = h("a", { "data-row": true });
    return h("li", {}, link);
  };

  function show(element, row, at) {
    element.setAttribute("aria-posinset", at + 1);
    element.setAttribute("aria-setsize", rows.length);
    if (painted.get(element) === row) return;
    painted.set(element, row);
    element.dataset.id = row.id;
    element.firstElementChild.setAttribute("href", href(row));
    paint(element.firstElementChild, row);
  }

  function draw() {
    asked = 0;
    if (signal.aborted || !list.isConnected) return;
    if (rows.length && !list.firstElementChild) list.append(fresh());
    if (rows.length) show(list.firstElementChild, painted.get(list.firstElementChild) ?? rows[0], 0);
    const height = list.firstElementChild?.getBoundingClientRect().height || 1;
    const above = Math.max(0, -list.getBoundingClientRect().top);
    const first = Math.max(0, Math.min(Math.floor(above / height) - BEYOND, rows.length - 1));
    const last = Math.min(rows.length, first + Math.ceil(window.innerHeight / height) + 2 * BEYOND);
    fill(first, last);
    sheet.replaceSync(`.windowed { padding-top: ${first * height}px; padding-bottom: ${(rows.length - last) * height}px; }`);
    if (last >= rows.length - BEYOND) end();
  }

  /** Elements that stay are not touched, so that the focus stays where it is. */
  function fill(first, last) {
    const wanted = rows.slice(first, last);
    const ids = new Set(wanted.map((row) => row.id));
    const spare = [...list.children].filter((element) => !ids.has(element.dataset.id));
    spare.forEach((element) => element.remove());
    let next = list.firstElementChild;
    wanted.forEach((row, at) => {
      if (next?.dataset.id === row.id) {
        show(next, row, first + at);
        next = next.nextElementSibling;
        return;
      }
      const element = spare.pop() ?? fresh();
      show(element, row, first + at);
      list.insertBefore(element, next);
    });
    while (next) {
      const gone = next;
      next = next.nextElementSibling;
      gone.remove();
    }
  }

  const soon = () => {
    asked ||= requestAnimationFrame(draw);
  };
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
  window.addEventListener("scroll", soon, { signal, passive: true });
  window.addEventListener("resize", soon, { signal });
  signal.addEventListener("abort", () => {
    document.adoptedStyleSheets = document.adoptedStyleSheets.filter((one) => one !== sheet);
  });

  return {
    element: list,
    /** Shows these rows from now on. `came`: so many are new above the others, which stay where they are. */
    set(now, came = 0) {
      const height = list.firstElementChild?.getBoundingClientRect().height ?? 0;
      const isBelow = list.getBoundingClientRect().top < 0;
      rows = now;
      if (!rows.length) list.replaceChildren();
      draw();
      if (isBelow && came) window.scrollBy(0, came * height);
    },
  };
}
