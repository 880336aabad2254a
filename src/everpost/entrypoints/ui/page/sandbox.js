// The sandbox: providers that can be broken, and a drill that breaks one by a script.

import { fill } from "./dom.js";
import { drillCard } from "./drill.js";
import { faultPanel } from "./faults.js";

/** @param {import("./frame.js").Place} place */
export function showSandbox(place) {
  fill(place.body, faultPanel(place), drillCard(place));
}
