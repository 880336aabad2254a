// A list of addresses to be suppressed: from a file or pasted, looked at by the API before it is taken.

import { fill, h, shape } from "./dom.js";
import { actionButton, submits } from "./forms.js";
import { labelled } from "./recipients.js";
import { counted } from "./words.js";

const PATH = "/v1/suppressions/import";
const NAMED_MAX = 20; // faulty lines

/** @param {import("./frame.js").Place} place  @param {() => void} done */
export function importCard(place, done) {
  const found = h("div", { class: "form", role: "status" });
  const csv = h("textarea", { id: "s-csv", rows: 5, spellcheck: "false", autocomplete: "off", oninput: () => fill(found) });
  const file = h("input", { id: "s-file", type: "file", accept: ".csv,.txt,text/csv,text/plain", onchange: async () => {
    const [chosen] = file.files;
    if (!chosen) return;
    csv.value = await chosen.text();
    file.value = "";
    fill(found);
    place.say(`${chosen.name} is read`);
  } });
  const ask = async (dry) => (await place.api.post(PATH, { csv: csv.value, dry_run: dry })).body;
  const take = async () => {
    const taken = await ask(false);
    csv.value = "";
    fill(found, h("p", {}, `Done: ${addresses(taken.suppressed)} suppressed.`));
    done();
  };
  const look = submits(place, { csv }, async () => {
    const text = csv.value;
    const looked = await ask(true);
    if (csv.value === text) fill(found, ...preview(place, looked, take));
  });
  const form = h("form", { class: "form", onsubmit: look, novalidate: true, "aria-label": "Import a list" },
    h("div", { class: "field drop" }, h("label", { for: "s-file" }, "A CSV file"), file),
    labelled("s-csv", "Or its lines, pasted here", csv, "An address and a reason on each: bob@example.org,asked by phone"),
    h("div", { class: "actions" }, h("button", {}, "Look at it")), found);
  return h("details", { class: "card" }, h("summary", {}, "Import a list"), form);
}

function preview(place, { suppressed, faulty, errors }, take) {
  const good = addresses(suppressed);
  return [
    h("p", {}, h("b", {}, `${good} can be suppressed`), faulty ? `, ${counted(faulty, "line")} can't be read:` : "."),
    faulty ? h("ul", { class: "line-faults", "aria-label": "Lines that can't be read" }, errors.slice(0, NAMED_MAX).map((one) =>
      h("li", {}, h("span", { class: "badge bad" }, shape("cross"), `line ${one.line}`), " ", one.message))) : null,
    faulty > NAMED_MAX ? h("p", { class: "quiet" }, `and ${(faulty - NAMED_MAX).toLocaleString()} more.`) : null,
    suppressed ? h("div", { class: "actions" }, actionButton(place, { class: "first" }, `Suppress ${good}`, take)) : null,
  ];
}

const addresses = (number) => `${number.toLocaleString()} address${number === 1 ? "" : "es"}`;
