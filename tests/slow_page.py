"""A slow machine and a slow network, made on purpose: what races in the page or in its tests shows itself there.

EVERPOST_UI_DELAY_MS names the longest time that a call of the API takes on its way there, and again on its way back.
How long each takes is chance, whose seed is this number: the same is the same order again, another is another.
"""

import os

from playwright.sync_api import BrowserContext, Page

DELAY_MS = int(os.environ.get("EVERPOST_UI_DELAY_MS", "0"))
PROCESSOR = 4  # times as slow
SLOWED = """
{
  const most = DELAY, straight = window.fetch;
  let seed = most;
  const chance = () => (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) / 2 ** 32;
  const stopped = (signal) => signal.reason ?? new DOMException("", "AbortError");
  const passed = (signal) => new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(stopped(signal));
    setTimeout(resolve, chance() * most);
    signal?.addEventListener("abort", () => reject(stopped(signal)), { once: true });
  });
  window.fetch = async (address, options = {}) => {
    await passed(options.signal);
    const answer = await straight(address, options);
    await passed(options.signal);
    return answer;
  };
}
"""


def slow_down(context: BrowserContext, page: Page) -> None:
    """Does nothing unless it is asked for."""
    if not DELAY_MS:
        return
    context.add_init_script(SLOWED.replace("DELAY", str(DELAY_MS)))
    context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": PROCESSOR})
