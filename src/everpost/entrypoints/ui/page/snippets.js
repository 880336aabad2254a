// The same request as it is made elsewhere. The key never stands in it: it comes from the environment.

import { copyButton } from "./copying.js";
import { fill, h } from "./dom.js";
import { session } from "./session.js";

/** @type {Object<string, {title: string, write: (address: string, request: import("./draft.js").Request) => string}>} */
const LANGUAGES = {
  curl: { title: "curl", write: curl },
  python: { title: "Python", write: python },
  node: { title: "Node", write: node },
};

const MARK = "\u0000file "; // which no text of a form can hold
const MARKED = /"\\u0000file (\d+)"/;

/** The mail as JSON, in which the content of each file is an expression of the language that reads it.
 *  @param {import("./draft.js").Request} request  @param {number} indent  @param {(filename: string) => string} content
 *  @param {(json: string) => string} [escaped]  how all the rest is written */
function written({ body }, indent, content, escaped = (json) => json) {
  const files = body.attachments ?? [];
  const marked = { ...body, attachments: body.attachments?.map((file, at) => ({ ...file, content: MARK + at })) };
  return JSON.stringify(marked, null, indent).split(MARKED)
    .map((part, at) => (at % 2 ? content(files[Number(part)].filename) : escaped(part))).join("");
}

function headers({ key }) {
  const sent = [["Content-Type", "application/json"]];
  if (key) sent.push(["Idempotency-Key", key]);
  return sent;
}

function curl(address, request) {
  const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
  const lines = headers(request).map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`);
  if (session.isEntered) lines.unshift(`-H "Authorization: Bearer $EVERPOST_KEY"`);
  const head = [`curl -X POST ${quoted(address + request.path)}`, ...lines];
  if (!request.body.attachments) return [...head, `-d ${quoted(written(request, 2))}`].join(" \\\n  ");
  const file = (name) => `"$(base64 < ${quoted(name)} | tr -d '\\n')"`; // too long to be an argument
  const plain = (json) => json.replace(/[\\$`]/g, "\\$&");
  return `${[...head, "-d @- <<JSON"].join(" \\\n  ")}\n${written(request, 2, file, plain)}\nJSON`;
}

function python(address, request) {
  const file = (name) => `base64.b64encode(open(${JSON.stringify(name)}, "rb").read()).decode()`;
  const sent = headers(request).map(([name, value]) => `    ${JSON.stringify(name)}: ${JSON.stringify(value)},`);
  if (session.isEntered) sent.unshift(`    "Authorization": "Bearer " + os.environ["EVERPOST_KEY"],`);
  return [
    request.body.attachments ? "import base64" : null, "import json", session.isEntered ? "import os" : null,
    "import urllib.request", "",
    `mail = ${written(request, 4, file)}`,
    "headers = {", ...sent, "}",
    `request = urllib.request.Request(${JSON.stringify(address + request.path)}, json.dumps(mail).encode(), headers)`,
    "with urllib.request.urlopen(request) as answer:", "    print(answer.status, json.load(answer))",
  ].filter((line) => line !== null).join("\n");
}

function node(address, request) {
  const file = (name) => `(await readFile(${JSON.stringify(name)})).toString("base64")`;
  const sent = headers(request).map(([name, value]) => `    ${JSON.stringify(name)}: ${JSON.stringify(value)},`);
  if (session.isEntered) sent.unshift("    Authorization: `Bearer ${process.env.EVERPOST_KEY}`,");
  return [
    ...(request.body.attachments ? [`import { readFile } from "node:fs/promises";`, ""] : []),
    `const mail = ${written(request, 2, file)};`,
    `const answer = await fetch(${JSON.stringify(address + request.path)}, {`,
    `  method: "POST",`, "  headers: {", ...sent, "  },", "  body: JSON.stringify(mail),", "});",
    "console.log(answer.status, await answer.json());",
  ].join("\n");
}

/** A card that shows the request of the form, as it is now, in one language or another.
 *  @param {() => import("./draft.js").Request} read  @param {string} address of the API
 *  @param {(words: string) => void} say */
export function snippetCard(read, address, say) {
  let language = "curl";
  const code = h("pre", { tabindex: "0", "aria-label": "The request" });
  const draw = () => fill(code, LANGUAGES[language].write(address, read()));
  const choice = ([name, { title }]) => h("label", { class: "choice" },
    h("input", {
      type: "radio", name: "language", value: name, checked: name === language,
      onchange: () => { language = name; draw(); },
    }), title);
  const element = h("section", { class: "card" },
    h("div", { class: "card-head" }, h("h2", {}, "The same from a program"), copyButton(() => code.textContent, say)),
    h("fieldset", { class: "choices" }, h("legend", { class: "unseen" }, "Language"), Object.entries(LANGUAGES).map(choice)),
    h("p", { class: "hint" }, "Attached files are read from the folder in which it runs. The key never stands here."), code);
  return { element, draw };
}
