// The views of the page: one row each. The navigation, the shortcuts, the addresses and the tests follow from it.

/**
 * `name` stands in the address (#/NAME). `of`: it shows one thing of that other view, at #/OF/ID. `link` is its word in
 * the navigation, `key` the letter after `g`. `needs` is the operation of the API without which there is nothing to
 * show, `absent` why an API may lack it. Its module comes when it is looked at first, or when there is nothing else to do.
 * @typedef {{name: string, of?: string, title: string, link?: string, key?: string, needs: string, absent?: string,
 *   load: () => Promise<(place: import("./frame.js").Place) => void>}} View
 */

const ONLY_IN_DEV = "there is a sandbox only beside everpost dev";

/** @type {View[]} */
export const VIEWS = [
  { name: "overview", title: "Overview", link: "Overview", key: "o", needs: "getSeries",
    load: async () => (await import("./overview.js")).showOverview },
  { name: "send", title: "Send a mail", link: "Send", key: "s", needs: "createEmail",
    load: async () => (await import("./send.js")).showSend },
  { name: "messages", title: "Messages", link: "Messages", key: "m", needs: "listEmails",
    load: async () => (await import("./messages.js")).showMessages },
  { name: "message", of: "messages", title: "One mail", needs: "getEmail",
    load: async () => (await import("./message.js")).showMessage },
  { name: "providers", title: "Providers", link: "Providers", key: "p", needs: "listAccounts",
    load: async () => (await import("./providers.js")).showProviders },
  { name: "inbox", title: "Inbox", link: "Inbox", key: "i", needs: "listCaught", absent: ONLY_IN_DEV,
    load: async () => (await import("./inbox.js")).showInbox },
  { name: "caught", of: "inbox", title: "A mail of the inbox", needs: "getCaught", absent: ONLY_IN_DEV,
    load: async () => (await import("./caught.js")).showCaught },
  { name: "sandbox", title: "Faults and drills", link: "Sandbox", key: "x", needs: "listFaults", absent: ONLY_IN_DEV,
    load: async () => (await import("./sandbox.js")).showSandbox },
  { name: "events", title: "Events", link: "Events", key: "e", needs: "listEvents",
    load: async () => (await import("./events.js")).showEvents },
  { name: "suppressions", title: "Suppressions", link: "Suppressions", key: "u", needs: "searchSuppressions",
    load: async () => (await import("./suppressions.js")).showSuppressions },
  // ---
  { name: "webhooks", title: "Webhooks", link: "Webhooks", key: "w", needs: "listWebhooks",
    absent: "functions post no webhooks", load: async () => (await import("./webhooks.js")).showWebhooks },
  { name: "webhook", of: "webhooks", title: "One webhook", needs: "getWebhook",
    absent: "functions post no webhooks", load: async () => (await import("./webhook.js")).showWebhook },
  // ---
  { name: "keys", title: "Keys", link: "Keys", key: "k", needs: "listKeys",
    load: async () => (await import("./keys.js")).showKeys },
];

/** The view that an address names, with the id of the thing that it shows; an address that names none leads to the first.
 *  @param {string} hash  @returns {{view: View, id: string, query: URLSearchParams}} */
export function viewAt(hash) {
  const [path, search = ""] = hash.replace(/^#\/?/, "").split("?");
  const [name = "", id = ""] = path.split("/").map(decoded);
  const view = (id && VIEWS.find((one) => one.of === name)) || VIEWS.find((one) => one.name === name && !one.of);
  return { view: view ?? VIEWS[0], id, query: new URLSearchParams(search) };
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
