// What the API offers here, and what of it the caller may do.

/** Made of what `GET /v1/whoami` tells; before it has told anything, or where it can't, nothing is ruled out. */
export class Rights {
  /** @param {{scope: string, operations: Object<string, boolean>}|null} told */
  constructor(told = null) {
    this.told = told;
  }

  /** @param {string} operation of the API */
  isOffered(operation) {
    return this.told === null || operation in this.told.operations;
  }

  /** @param {string} operation of the API */
  may(operation) {
    return this.told === null || this.told.operations[operation] === true;
  }

  get scope() {
    return this.told?.scope ?? "";
  }
}

/** @param {import("./api.js").Api} api  @returns {Promise<Rights>} */
export async function readRights(api) {
  try {
    return new Rights((await api.get("/v1/whoami")).body);
  } catch {
    return new Rights(); // the view itself says what is wrong
  }
}
