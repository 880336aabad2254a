// The API key, as long as the tab is open and no longer.

const NAME = "everpost.key";

export const session = {
  /** @returns {string|null} */
  get key() {
    return sessionStorage.getItem(NAME);
  },
  /** @param {string|null} key */
  set key(key) {
    if (key) sessionStorage.setItem(NAME, key);
    else sessionStorage.removeItem(NAME);
  },
};
