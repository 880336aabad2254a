// From the form to a request of the API, and from the API's faults back to the fields.

/** @typedef {{path: string, body: Object<string, any>, key: string}} Request */
/**
 * What stands in the form.
 * @typedef {{fields: Object<string, HTMLInputElement>, people: {kind: string, email: string, name: string, field: HTMLElement}[],
 *   headers: import("./pairs.js").Pair[], metadata: import("./pairs.js").Pair[],
 *   allowLoss: string[]|null, files: import("./attachments.js").Attachment[], bytes: number}} Entered  `bytes` of all files
 */

const KINDS = ["to", "cc", "bcc", "reply_to"];
const CONTENT_BYTES_MAX = 25 * 1024 * 1024;

/** @param {Entered} entered  @returns {Request} */
export function request({ fields, people, headers, metadata, allowLoss, files }) {
  const text = (name) => fields[name].value.trim();
  const body = { from: address(text("from"), text("fromName")) };
  for (const kind of KINDS) {
    const those = people.filter((one) => one.kind === kind && one.email).map((one) => address(one.email, one.name));
    if (those.length || kind === "to") body[kind] = those;
  }
  body.subject = text("subject");
  if (fields.text.value) body.text = fields.text.value;
  if (fields.html.value) body.html = fields.html.value;
  if (files.length) body.attachments = files;
  if (headers.length) body.headers = mapped(headers);
  const tags = text("tags").split(",").map((tag) => tag.trim()).filter(Boolean);
  if (tags.length) body.tags = tags;
  if (metadata.length) body.metadata = mapped(metadata);
  if (text("route") && text("route") !== "default") body.route = text("route");
  if (text("sendAt")) body.send_at = new Date(text("sendAt")).toISOString();
  if (text("expiresAt")) body.expires_at = new Date(text("expiresAt")).toISOString();
  if (text("onUnknown")) body.on_unknown = text("onUnknown");
  if (allowLoss) body.allow_loss = allowLoss;
  return { path: "/v1/emails", body, key: text("key") };
}

function address(email, name) {
  return name ? { email, name } : email;
}

function mapped(pairs) {
  return Object.fromEntries(pairs.map(({ name, value }) => [name, value]));
}

/** What is certainly missing, before the API is asked: pairs of a field and words.
 *  @param {Entered} entered  @returns {[HTMLElement, string][]} */
export function missing(entered) {
  const { fields, bytes } = entered;
  const found = [...missingAddresses(entered), ...missingNames(entered.headers), ...missingNames(entered.metadata)];
  if (!fields.subject.value.trim()) found.push([fields.subject, "A mail needs a subject."]);
  if (!fields.text.value && !fields.html.value) found.push([fields.text, "Give text, html or both."]);
  if (bytes > CONTENT_BYTES_MAX) found.push([fields.attachments, "All of them are more than 25 MiB. Remove some."]);
  if (fields.sendAt.value && new Date(fields.sendAt.value) < new Date()) {
    found.push([fields.sendAt, "This is in the past: it would be sent at once. Leave it empty for that."]);
  }
  return found;
}

function missingAddresses({ fields, people }) {
  const found = [];
  const looksRight = (email) => /^[^@]+@[^@]+$/.test(email);
  if (!fields.from.value.trim()) found.push([fields.from, "Say whom the mail is from."]);
  else if (!looksRight(fields.from.value.trim())) found.push([fields.from, "An address has one @, as in ann@example.com."]);
  for (const { email, name, field } of people) {
    if (!email && name) found.push([field, `Give the address of ${name}, or remove the row.`]);
    else if (email && !looksRight(email)) found.push([field, "An address has one @, as in bob@example.org."]);
  }
  const first = people[0]?.field;
  const someTo = people.some((one) => one.kind === "to" && one.email);
  if (first && !someTo && !found.some(([field]) => field === first)) {
    found.push([first, "Name at least one recipient of the kind To."]);
  }
  return found;
}

/** A later row of the same name would take the place of the one before it without a word. */
function missingNames(pairs) {
  const found = pairs.filter(({ name }) => !name).map(({ field }) => [field, "Give it a name, or remove the row."]);
  const again = pairs.filter(({ name }, at) => name && pairs.findIndex((one) => one.name === name) < at);
  return [...found, ...again.map(({ name, field }) => [field, `There is a row ${name} already.`])];
}

const NAMES = { send_at: "sendAt", expires_at: "expiresAt", on_unknown: "onUnknown", allow_loss: "allowLoss" };

/** The field of the form that a fault of the API names (`to[1]`, `from.email`, `headers.X-Odd`, `metadata["a b"]`);
 *  undefined: none.
 *  @param {string} path  @param {Entered} entered */
export function fieldOf(path, entered) {
  const [, name, place] = /^(\w+)(?:\[(\d+)\])?/.exec(path) ?? [];
  if (KINDS.includes(name)) {
    const those = entered.people.filter((one) => one.kind === name && one.email);
    return (those[Number(place ?? 0)] ?? entered.people[0])?.field;
  }
  if (name === "headers" || name === "metadata") {
    return entered[name].find((pair) => [`${name}.${pair.name}`, `${name}[${JSON.stringify(pair.name)}]`].includes(path))?.field;
  }
  return entered.fields[NAMES[name] ?? name];
}

/** A key that nobody has used. */
export function freshKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return `page-${[...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
