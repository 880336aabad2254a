// Text that is copied by a button.

import { h } from "./dom.js";

/** @param {() => string} text  @param {(words: string) => void} say */
export function copyButton(text, say) {
  const copy = async (event) => {
    const button = event.currentTarget;
    const words = await copied(text()) ? "Copied" : "Copying is not allowed here";
    say(words);
    button.textContent = words;
    setTimeout(() => (button.textContent = "Copy"), 2000);
  };
  return h("button", { type: "button", class: "plain copy", onclick: copy }, "Copy");
}

async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false; // no permission, or no secure context
  }
}
