// Looking again and again, but only while somebody looks.

export const SLOWEST_MS = 30_000;

/**
 * Calls `look` now, and again that long after it has ended; after an error later and later. It may return how many
 * milliseconds the next look is away, or null when there will be none. While the tab is hidden nothing is asked.
 * @param {() => Promise<number|null|void>} look
 * @param {number} everyMs
 * @param {AbortSignal} signal  ends it
 * @param {(error: Error) => void} failed
 */
export async function poll(look, everyMs, signal, failed) {
  let pause = everyMs;
  while (!signal.aborted) {
    try {
      const next = await look();
      if (next === null) return;
      pause = next ?? everyMs;
    } catch (error) {
      if (signal.aborted) return;
      failed(error);
      pause = Math.min(Math.max(pause, everyMs) * 2, SLOWEST_MS);
    }
    await rest(pause, signal);
    await seen(signal);
  }
}

/**
 * A look whose answers may overtake each other, such as that of the clock and that after a change: what was asked for
 * before what is shown already is not shown any more.
 * @template Told
 * @param {() => Promise<Told>} read
 * @param {(told: Told) => void} show
 * @returns {() => Promise<void>}
 */
export function inOrder(read, show) {
  let asked = 0;
  let shown = 0;
  return async () => {
    const mine = (asked += 1);
    const told = await read();
    if (mine < shown) return;
    shown = mine;
    show(told);
  };
}

export function rest(ms, signal) {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      window.removeEventListener("online", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end);
    window.addEventListener("online", end); // the network is back: nobody has to wait for it
  });
}

/** Until the tab is looked at. */
export function seen(signal) {
  if (!document.hidden || signal.aborted) return null;
  return new Promise((resolve) => {
    document.addEventListener("visibilitychange", resolve, { once: true });
    signal.addEventListener("abort", resolve, { once: true });
  });
}
