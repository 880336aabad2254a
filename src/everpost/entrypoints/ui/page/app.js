// The frame: which view the address names, who calls the API, and what stands around the views.

import { Api, Refused } from "./api.js";
import { readConfig } from "./config.js";
import { fill, h } from "./dom.js";
import { framed } from "./frame.js";
import { keyButton, keyForm } from "./key.js";
import { closeMenu, drawNavigation, listenToMenu, markNavigation } from "./navigation.js";
import { readRights, Rights } from "./rights.js";
import { listenToKeys, shortcutsButton } from "./shortcuts.js";
import { VIEWS, viewAt } from "./views.js";

/** @typedef {{address: string, docs: string, rights: Rights, keyChanged: () => void,
 *   turned: Promise<void>}} App  `turned`: when the view that the address names is there */

let leave = new AbortController();
let shown = "";

/** Shows what the address names. @param {App} app */
function turn(app) {
  app.turned = draw(app);
  return app.turned;
}

async function draw(app) {
  leave.abort();
  const mine = new AbortController();
  leave = mine;
  const { view, id, query } = viewAt(location.hash);
  app.rights.hoped.clear();
  const place = framed(app, { title: view.title, id, query }, mine, () => turn(app));
  markNavigation(view);
  closeMenu();
  document.title = `${view.title} - Everpost`;
  const isOther = shown !== "" && shown !== `${view.name}/${id}`;
  shown = `${view.name}/${id}`;
  if (isOther) {
    window.scrollTo(0, 0);
    place.title.focus();
  }
  if (!app.rights.may(view.needs)) {
    place.title.nextElementSibling.remove();
    fill(place.body, ...lacking(app, view));
    return;
  }
  try {
    const show = await view.load();
    if (!mine.signal.aborted) show(place);
  } catch (error) {
    place.trouble(unloaded(error));
  }
}

/** Why there is nothing to show. */
function lacking(app, view) {
  if (!app.rights.isOffered(view.needs)) {
    const why = view.absent ?? "its API does not offer it";
    return [h("div", { class: "empty" }, h("p", {}, `This Everpost has nothing of the kind: ${why}.`))];
  }
  return [
    h("div", { class: "empty" }, h("p", {}, `Your key has the scope ${app.rights.scope}, which is not enough for this.`)),
    keyForm(null, app.keyChanged),
  ];
}

/** A module that did not come is the server's silence; all else is a fault of the page. */
function unloaded(error) {
  return error instanceof TypeError && /import|module/i.test(error.message)
    ? new Refused({ code: "unreachable", title: "This view could not be fetched", detail: "the page's own server was asked" })
    : error;
}

/** Fetches the other views while nobody waits, so that they are there when the network is not. */
function fetchAhead() {
  const fetchAll = () => VIEWS.forEach((view) => view.load().catch(() => null)); // asked for again when it is looked at
  if (window.requestIdleCallback) window.requestIdleCallback(fetchAll, { timeout: 3000 });
  else setTimeout(fetchAll, 1000);
}

/** @param {import("./config.js").Config} config */
function start({ api, docs }) {
  const app = { address: api, docs, rights: new Rights(), keyChanged: () => enter(), turned: Promise.resolve() };
  let entered = new AbortController();
  const enter = () => {
    entered.abort();
    entered = new AbortController();
    app.rights = new Rights();
    drawCorner(app);
    drawNavigation(app.rights);
    const first = turn(app);
    readRights(new Api(api), entered.signal, (rights) => learn(app, rights));
    return first;
  };
  listenToMenu();
  listenToKeys(app);
  window.addEventListener("hashchange", () => turn(app));
  enter().then(fetchAhead);
}

function drawCorner(app) {
  fill(document.getElementById("corner"),
    app.docs ? h("a", { href: app.docs }, "API") : null,
    shortcutsButton(app),
    keyButton(app.keyChanged));
}

/** What the view has hoped for in vain must not stay there. */
function learn(app, rights) {
  const isWrong = [...app.rights.hoped].some((operation) => !rights.may(operation));
  app.rights = rights;
  drawNavigation(rights);
  if (isWrong) turn(app);
  else markNavigation(viewAt(location.hash).view);
}

start(await readConfig());
