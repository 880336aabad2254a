// Providers: how each account does, who carries the mail of which route, and where a mail would go.

import { accountCard } from "./account.js";
import { fill, h } from "./dom.js";
import { explainCard } from "./explain.js";
import { inOrder, poll } from "./live.js";
import { routeCard } from "./route.js";

const LOOK_MS = 3000;
const FIGURES_MS = 15_000;

/** @param {import("./frame.js").Place} place */
export function showProviders(place) {
  const accounts = h("div", { class: "accounts" });
  const routes = h("div", { class: "half" });
  const explain = explainCard(place);
  const known = { accounts: [], figures: {}, probed: {}, cards: {}, drawn: "" };
  const drawAccounts = () => {
    const now = JSON.stringify([known.accounts, known.figures, known.probed]);
    if (now === known.drawn) return;
    known.drawn = now;
    const focused = document.activeElement?.id;
    fill(accounts, known.accounts.map((one) => accountCard({
      place, look, account: one, figures: known.figures[one.name], probed: known.probed[one.name],
      tell: (answer) => {
        known.probed[one.name] = answer;
        drawAccounts();
      },
    })));
    if (focused) document.getElementById(focused)?.focus();
  };
  const read = async () => [
    (await place.api.get("/v1/accounts", {}, place.signal)).body.data,
    (await place.api.get("/v1/routes", {}, place.signal)).body.data,
  ];
  const look = inOrder(read, ([all, told]) => {
    known.accounts = all;
    place.calm();
    drawAccounts();
    explain.show(told);
    showRoutes(place, look, known.cards, routes, told);
  });
  const lookAtFigures = async () => {
    const { accounts: told } = (await place.api.get("/v1/series", { range: "1h" }, place.signal)).body;
    known.figures = Object.fromEntries(told.map((one) => [one.account, one]));
    drawAccounts();
  };
  fill(place.body,
    h("div", { class: "halves" }, routes, place.may("explainRoute") ? explain.element : null),
    h("h2", { class: "section" }, "Accounts"), accounts);
  poll(look, LOOK_MS, place.signal, place.trouble);
  if (place.may("getSeries")) poll(lookAtFigures, FIGURES_MS, place.signal, place.trouble);
}

/** A card for each route; one that is there already keeps what is not saved. */
function showRoutes(place, look, cards, element, told) {
  const before = Object.keys(cards);
  for (const route of told) cards[route.name] ??= routeCard(place, look);
  if (told.some((route) => !before.includes(route.name))) fill(element, told.map((route) => cards[route.name].element));
  told.forEach((route) => cards[route.name].show(route));
}
