// From the form to a request of the API, and from the API's faults back to the fields.

/** @typedef {{path: string, body: Object<string, any>, key: string}} Request */

/** @param {Object<string, HTMLInputElement>} fields
 *  @param {{kind: string, email: string, name: string}[]} recipients
 *  @param {import("./attachments.js").Attachment[]} files
 *  @returns {Request} */
export function request(fields, recipients, files) {
  const text = (name) => fields[name].value.trim();
  const body = { from: address(text("from"), text("fromName")) };
  for (const kind of ["to", "cc", "bcc"]) {
    const those = recipients.filter((one) => one.kind === kind && one.email).map((one) => address(one.email, one.name));
    if (those.length || kind === "to") body[kind] = those;
  }
  body.subject = text("subject");
  if (fields.text.value) body.text = fields.text.value;
  if (fields.html.value) body.html = fields.html.value;
  if (files.length) body.attachments = files;
  const tags = text("tags").split(",").map((tag) => tag.trim()).filter(Boolean);
  if (tags.length) body.tags = tags;
  if (text("route") && text("route") !== "default") body.route = text("route");
  if (text("sendAt")) body.send_at = new Date(text("sendAt")).toISOString();
  return { path: "/v1/emails", body, key: text("key") };
}

function address(email, name) {
  return name ? { email, name } : email;
}

/** What is certainly missing, before the API is asked: pairs of a field and words.
 *  @returns {[HTMLElement, string][]} */
export function missing(fields, recipients) {
  const found = [];
  const looksRight = (email) => /^[^@]+@[^@]+$/.test(email);
  if (!fields.from.value.trim()) found.push([fields.from, "Say whom the mail is from."]);
  else if (!looksRight(fields.from.value.trim())) found.push([fields.from, "An address has one @, as in ann@example.com."]);
  for (const { email, name, field } of recipients) {
    if (!email && name) found.push([field, `Give the address of ${name}, or remove the row.`]);
    else if (email && !looksRight(email)) found.push([field, "An address has one @, as in bob@example.org."]);
  }
  const first = recipients[0]?.field;
  const someTo = recipients.some((one) => one.kind === "to" && one.email);
  if (first && !someTo && !found.some(([field]) => field === first)) {
    found.push([first, "Name at least one recipient of the kind To."]);
  }
  if (!fields.subject.value.trim()) found.push([fields.subject, "A mail needs a subject."]);
  if (!fields.text.value && !fields.html.value) found.push([fields.text, "Give text, html or both."]);
  if (fields.sendAt.value && new Date(fields.sendAt.value) < new Date()) {
    found.push([fields.sendAt, "This is in the past: it would be sent at once. Leave it empty for that."]);
  }
  return found;
}

const NAMES = {
  from: "from", subject: "subject", text: "text", html: "html", attachments: "attachments", tags: "tags", route: "route",
  send_at: "sendAt",
};

/** The field of the form that a fault of the API names (`to[1]`, `from.email`); undefined: none.
 *  @param {string} path */
export function fieldOf(path, fields, recipients) {
  const [, name, place] = /^(\w+)(?:\[(\d+)\])?/.exec(path) ?? [];
  if (["to", "cc", "bcc"].includes(name)) {
    const those = recipients.filter((one) => one.kind === name && one.email);
    return (those[Number(place ?? 0)] ?? recipients[0])?.field;
  }
  return fields[NAMES[name]];
}

/** A key that nobody has used. */
export function freshKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return `page-${[...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
