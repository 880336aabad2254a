// An e-mail address that is looked for, kept in the tab. What stands in the page's own address is seen in histories, on
// screens that are shared and in links, so a token stands there in its place; elsewhere that token means nobody.

const PLACE = "everpost.sought/";

/** @param {string} email  @returns {string} what stands for it in the page's address */
export function unsaid(email) {
  const known = Object.keys(sessionStorage).find((name) => name.startsWith(PLACE) && sessionStorage.getItem(name) === email);
  if (known) return known.slice(PLACE.length);
  const token = crypto.getRandomValues(new Uint32Array(1))[0].toString(36);
  sessionStorage.setItem(PLACE + token, email);
  return token;
}

/** @param {string} token  @returns {string} "": this tab knows no address by it */
export const said = (token) => sessionStorage.getItem(PLACE + token) ?? "";
