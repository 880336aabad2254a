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

/** A mail as it can be shown: files stand by their names. */
function shown({ body }) {
  if (!body.attachments) return body;
  return { ...body, attachments: body.attachments.map((file) => ({ ...file, content: `BASE64 OF ${file.filename}` })) };
}

function headers({ key }, variable) {
  const sent = [["Content-Type", "application/json"]];
  if (session.isEntered) sent.unshift(["Authorization", `Bearer ${variable}`]);
  if (key) sent.push(["Idempotency-Key", key]);
  return sent;
}

function curl(address, request) {
  const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
  const lines = headers(request, "").map(([name, value]) =>
    (name === "Authorization" ? `-H "Authorization: Bearer $EVERPOST_KEY"` : `-H ${quoted(`${name}: ${value}`)}`));
  const body = `-d ${quoted(JSON.stringify(shown(request), null, 2))}`;
  return [`curl -X POST ${quoted(address + request.path)}`, ...lines, body].join(" \\\n  ");
}

function python(address, request) {
  const written = headers(request, "").map(([name, value]) =>
    (name === "Authorization" ? `    "Authorization": "Bearer " + os.environ["EVERPOST_KEY"],`
      : `    ${JSON.stringify(name)}: ${JSON.stringify(value)},`));
  return [
    "import json", session.isEntered ? "import os" : null, "import urllib.request", "",
    `mail = ${JSON.stringify(shown(request), null, 4)}`,
    "headers = {", ...written, "}",
    `request = urllib.request.Request(${JSON.stringify(address + request.path)}, json.dumps(mail).encode(), headers)`,
    "with urllib.request.urlopen(request) as answer:", "    print(answer.status, json.load(answer))",
  ].filter((line) => line !== null).join("\n");
}

function node(address, request) {
  const written = headers(request, "").map(([name, value]) =>
    (name === "Authorization" ? "    Authorization: `Bearer ${process.env.EVERPOST_KEY}`,"
      : `    ${JSON.stringify(name)}: ${JSON.stringify(value)},`));
  return [
    `const mail = ${JSON.stringify(shown(request), null, 2)};`,
    `const answer = await fetch(${JSON.stringify(address + request.path)}, {`,
    `  method: "POST",`, "  headers: {", ...written, "  },", "  body: JSON.stringify(mail),", "});",
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
    code);
  return { element, draw };
}
