// Files that go with the mail: chosen, or dropped onto their place in the form.

import { fill, h } from "./dom.js";
import { bytes } from "./words.js";

/** @typedef {{filename: string, content: string, content_type?: string}} Attachment  `content` in base64 */

/** A place for files. `changed` is called after each change.
 *  @returns {{element: HTMLElement, field: HTMLElement, read: () => {files: Attachment[], bytes: number},
 *    whole: () => Promise<any>}} `whole`: when all that was chosen is there to be read */
export function attachmentPlace(changed) {
  /** @type {{file: Attachment, size: number}[]} */
  let kept = [];
  const rows = h("ul", { class: "files" });
  const input = h("input", { id: "attachments", type: "file", multiple: true, onchange: () => take(input.files) });
  const draw = () => {
    fill(rows, kept.map((one) => h("li", {}, h("span", {}, one.file.filename), h("span", { class: "quiet" }, bytes(one.size)),
      h("button", { type: "button", class: "plain", onclick: () => drop(one), "aria-label": `Remove ${one.file.filename}` },
        "Remove"))));
    changed();
  };
  const drop = (one) => {
    kept = kept.filter((other) => other !== one);
    draw();
    input.focus();
  };
  const add = async (files) => {
    const read = await Promise.all(files.map(async (file) => ({ file: await encoded(file), size: file.size })));
    kept = [...kept, ...read];
    input.value = "";
    draw();
  };
  let added = Promise.resolve();
  const take = (files) => (added = Promise.all([added, add([...files])]));
  const over = (event) => {
    event.preventDefault();
    element.classList.add("over");
  };
  const out = () => element.classList.remove("over");
  const dropped = (event) => {
    event.preventDefault();
    out();
    take(event.dataTransfer.files);
  };
  const element = h("div", { class: "field drop", ondragover: over, ondragleave: out, ondrop: dropped },
    h("label", { for: "attachments" }, "Attachments"), input,
    h("span", { class: "hint", id: "attachments-hint" }, "Choose files, or drop them here; all of them at most 25 MiB."),
    h("span", { class: "fault", id: "attachments-fault" }), rows);
  input.setAttribute("aria-describedby", "attachments-hint attachments-fault");
  const read = () => ({
    files: kept.map((one) => one.file), bytes: kept.reduce((sum, one) => sum + one.size, 0),
  });
  return { element, field: input, read, whole: () => added };
}

/** @returns {Promise<Attachment>} */
async function encoded(file) {
  const address = await new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => resolve(reader.result));
    reader.addEventListener("error", () => reject(reader.error));
    reader.readAsDataURL(file);
  });
  const attachment = { filename: file.name, content: address.slice(address.indexOf(",") + 1) };
  return file.type ? { ...attachment, content_type: file.type } : attachment;
}
