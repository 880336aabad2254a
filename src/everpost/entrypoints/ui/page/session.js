// Who sits here, as long as the tab is open and no longer. What calls the API asks here for its credential, and nobody
// else does: another way of signing in would need to be known to this module alone.

const NAME = "everpost.key";

export const session = {
  /** @param {string} key of the API */
  enter(key) {
    sessionStorage.setItem(NAME, key);
  },
  leave() {
    sessionStorage.removeItem(NAME);
  },
  /** Whether there is a credential; whether it is good, the API knows. */
  get isEntered() {
    return sessionStorage.getItem(NAME) !== null;
  },
  /** The value of the header Authorization; null: there is none. Asynchronous, since a credential that is short-lived
   *  has to be renewed first.
   *  @returns {Promise<string|null>} */
  async authorization() {
    const key = sessionStorage.getItem(NAME);
    return key ? `Bearer ${key}` : null;
  },
};
