// The frame: which screen the address names, who calls the API, and what stands around the screens.

import { Api, Refused } from "./api.js";
import { showCaught } from "./caught.js";
import { readConfig } from "./config.js";
import { fill, h } from "./dom.js";
import { showEvents } from "./events.js";
import { showInbox } from "./inbox.js";
import { keyButton, keyForm } from "./key.js";
import { showMessage } from "./message.js";
import { showMessages } from "./messages.js";
import { problem } from "./problems.js";
import { showProviders } from "./providers.js";
import { showSandbox } from "./sandbox.js";
import { showSend } from "./send.js";
import { listenToKeys, shortcutsButton } from "./shortcuts.js";

/**
 * Where a screen is shown. It ends with `signal`; `trouble` shows what went wrong above it, `calm` takes that away.
 * @typedef {{api: Api, docs: string, id: string, query: URLSearchParams, body: HTMLElement, title: HTMLElement, signal: AbortSignal,
 *   say: (text: string) => void, trouble: (error: Error) => void, calm: () => void, again: () => void}} Place
 */

/** @type {Object<string, {title: string, show: (place: Place) => void}>} */
const SCREENS = {
  send: { title: "Send a mail", show: showSend },
  messages: { title: "Messages", show: showMessages },
  message: { title: "One mail", show: showMessage },
  providers: { title: "Providers", show: showProviders },
  events: { title: "Events", show: showEvents },
};

/** Screens that are there only beside a sandbox: `everpost dev`. */
const SANDBOX = {
  inbox: { title: "Inbox", show: showInbox },
  faults: { title: "Faults and drills", show: showSandbox },
  caught: { title: "A mail of the inbox", show: showCaught },
};

/** Screens of one thing, by those of their lists. */
const ONE_OF = { messages: "message", inbox: "caught" };

const main = document.getElementById("main");
const said = document.getElementById("said");
let leave = new AbortController();
let shown = "";

/** The address: #/messages?state=held, #/messages/em_1 */
function read() {
  const [path, search = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const [name = "", id = ""] = path.split("/").map(decoded);
  const screen = id && ONE_OF[name] ? ONE_OF[name] : name;
  return { name, id, screen: SCREENS[screen] ? screen : "messages", query: new URLSearchParams(search) };
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** Shows what the address names. */
function turn(app) {
  leave.abort();
  leave = new AbortController();
  const { id, name, query, screen } = read();
  const { title, show } = SCREENS[screen];
  const place = framed(app, title, { id, query, signal: leave.signal });
  for (const link of document.querySelectorAll("#screens a, #corner a")) {
    const here = link.hash.slice(2) === (ONE_OF[name] === screen ? name : screen);
    if (here) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.title = `${title} - Everpost`;
  const isOther = shown !== "" && shown !== `${screen}/${id}`;
  shown = `${screen}/${id}`;
  show(place);
  if (isOther) {
    window.scrollTo(0, 0);
    place.title.focus();
  }
}

function framed(app, title, asked) {
  const heading = h("h1", { tabindex: "-1" }, title);
  const notice = h("div", { class: "notice" });
  const body = h("div", { class: "body" });
  fill(main, h("div", { class: "heading" }, heading), notice, body);
  const again = () => turn(app);
  return {
    ...asked, api: app.api, docs: app.docs, title: heading, body, again,
    say: (text) => fill(said, text),
    calm: () => notice.childNodes.length && fill(notice),
    trouble: (error) => {
      if (error.name === "AbortError" || asked.signal.aborted) return;
      if (error instanceof Refused && error.problem.code === "unauthorized") {
        leave.abort();
        fill(notice);
        fill(body, keyForm(error, app.keyChanged));
      } else {
        fill(notice, problem(error, app.docs));
      }
    },
  };
}

async function start() {
  const { api, docs, inbox } = await readConfig();
  const app = { api: new Api(api), docs, keyChanged: () => (drawCorner(), turn(app)) };
  if (inbox) Object.assign(SCREENS, SANDBOX);
  const corner = document.getElementById("corner");
  const drawCorner = () => fill(corner,
    inbox ? h("a", { href: "#/inbox" }, "Inbox") : null,
    inbox ? h("a", { href: "#/faults" }, "Sandbox") : null,
    docs ? h("a", { href: docs }, "API") : null,
    shortcutsButton(),
    keyButton(app.keyChanged));
  drawCorner();
  listenToKeys();
  window.addEventListener("hashchange", () => turn(app));
  turn(app);
}

start();
