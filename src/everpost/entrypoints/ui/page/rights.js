// What the API offers here, and what of it the caller may do.

import { Refused } from "./api.js";
import { poll } from "./live.js";

const LOOK_MS = 3000;

/** Made of what `GET /v1/whoami` tells; before it has told anything, or where it can't, nothing is ruled out. */
export class Rights {
  /** @param {{scope: string, operations: Object<string, boolean>}|null} told */
  constructor(told = null) {
    this.told = told;
    /** @type {Set<string>} operations that were not ruled out only because nothing was told yet */
    this.hoped = new Set();
  }

  /** @param {string} operation of the API */
  isOffered(operation) {
    return this.told === null || operation in this.told.operations;
  }

  /** @param {string} operation of the API */
  may(operation) {
    if (this.told === null) this.hoped.add(operation);
    return this.told === null || this.told.operations[operation] === true;
  }

  get scope() {
    return this.told?.scope ?? "";
  }
}

/** Asks until there is an answer. An API that refuses to tell (no key yet, or an older one) has told nothing.
 *  @param {import("./api.js").Api} api  @param {AbortSignal} signal  @param {(rights: Rights) => void} told */
export function readRights(api, signal, told) {
  const ask = async () => {
    try {
      told(new Rights((await api.get("/v1/whoami", {}, signal)).body));
    } catch (error) {
      if (error instanceof Refused && error.problem.status < 500) return null;
      throw error;
    }
    return null;
  };
  poll(ask, LOOK_MS, signal, () => undefined); // the view itself says what is wrong
}
