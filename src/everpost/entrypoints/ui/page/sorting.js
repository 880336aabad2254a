// Rows that are put into another order: dragged by their handles, or moved by arrow keys.

/** @typedef {(from: number, to: number) => void} Moved  positions, counted from 0 */

/** Lets rows be dragged by what has the class `handle` in them. Escape puts a row back.
 *  @param {HTMLElement} list  @param {Moved} moved */
export function draggable(list, moved) {
  list.addEventListener("pointerdown", (event) => {
    const row = event.target.closest(".handle")?.closest("li");
    if (!row || event.button !== 0) return;
    event.preventDefault();
    drag(list, row, moved);
  });
}

/** Until the pointer is let go. The row moves at once, so that its new place is seen. */
function drag(list, row, moved) {
  const over = new AbortController();
  const before = [...list.children];
  const listen = (name, heard) => document.addEventListener(name, heard, { signal: over.signal });
  const end = (isMeant) => {
    over.abort();
    row.classList.remove("dragged");
    const to = [...list.children].indexOf(row);
    const from = before.indexOf(row);
    if (!isMeant) list.append(...before);
    else if (to !== from) moved(from, to);
  };
  row.classList.add("dragged");
  listen("pointermove", ({ clientY }) => {
    const next = [...list.children].find((other) => other !== row && clientY < middle(other)) ?? null;
    if (next !== row.nextElementSibling) list.insertBefore(row, next);
  });
  listen("pointerup", () => end(true));
  listen("pointercancel", () => end(false));
  listen("keydown", (event) => event.key === "Escape" && end(false));
}

function middle(row) {
  const { top, height } = row.getBoundingClientRect();
  return top + height / 2;
}

/** Moves the row in which an arrow key is pressed on a button.
 *  @param {HTMLElement} list  @param {Moved} moved */
export function movableByKeys(list, moved) {
  const steps = { ArrowUp: -1, ArrowDown: 1 };
  list.addEventListener("keydown", (event) => {
    const row = event.target.closest("button") && event.target.closest("li");
    const step = steps[event.key];
    if (!row || !step) return;
    event.preventDefault();
    const from = [...list.children].indexOf(row);
    if (list.children[from + step]) moved(from, from + step);
  });
}
