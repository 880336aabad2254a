// Where the API is: config.json beside the page. Missing or empty: where the page came from.

/**
 * `api` without a slash at its end; empty: the page's own origin. `docs` is the address of what explains the API; empty:
 * there is none.
 * @typedef {{api: string, docs: string}} Config
 */

/** @returns {Promise<Config>} */
export async function readConfig() {
  const told = await fetched();
  const api = address(told.api).replace(/\/+$/, "");
  onlyTo(api ? new URL(api, location.href).origin : "");
  return { api, docs: address(told.docs) };
}

/** An address of the web, or one on this host; anything else is none. */
function address(told) {
  return typeof told === "string" && /^(https?:\/\/|\/)/.test(told) ? told : "";
}

async function fetched() {
  try {
    const answer = await fetch("config.json", { cache: "no-store" });
    return answer.ok ? await answer.json() : {};
  } catch {
    return {};
  }
}

/** From now on the browser lets this page call its own origin and the API, and nobody else. */
function onlyTo(origin) {
  const policy = document.createElement("meta");
  policy.httpEquiv = "Content-Security-Policy";
  policy.content = `connect-src 'self' ${origin}`;
  document.head.append(policy);
}
