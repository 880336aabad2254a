import Mailgun from "mailgun.js";

import { serve } from "./serve.mjs";

const DOMAIN = "mg.example.com";

function named({ name, email }) {
  return name ? `"${name}" <${email}>` : email;
}

function prefixed(prefix, entries) {
  return Object.fromEntries(Object.entries(entries).map(([name, value]) => [prefix + name, value]));
}

function files(mail, inline) {
  return mail.attachments
    .filter((each) => Boolean(each.content_id) === inline)
    .map((each) => ({
      filename: each.filename,
      contentType: each.content_type,
      data: Buffer.from(each.content, "base64"),
    }));
}

function written(mail) {
  const fields = {
    from: named(mail.sender),
    to: mail.to.map(named),
    cc: mail.cc.map(named),
    bcc: mail.bcc.map(named),
    subject: mail.subject,
    text: mail.text,
    html: mail.html,
    attachment: files(mail, false),
    inline: files(mail, true),
    "h:Reply-To": mail.reply_to.map(named).join(", "),
    "o:tag": mail.tags,
    "o:deliverytime": mail.send_at && new Date(mail.send_at * 1000).toUTCString(),
    "recipient-variables": mail.variables && JSON.stringify(mail.variables),
    ...prefixed("h:", mail.headers),
    ...prefixed("v:", mail.metadata),
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value?.length));
}

function client({ url, key }, timeout) {
  return new Mailgun(FormData).client({ username: "api", key, url, timeout });
}

await serve({
  async send(at, mail) {
    const { id } = await client(at, mail.within_ms).messages.create(DOMAIN, written(mail));
    return id.slice(1, id.indexOf("@"));
  },
  async template(at, { id: template, data, ...mail }) {
    const variables = JSON.stringify(data);
    const { id } = await client(at).messages.create(DOMAIN, { ...mail, template, "t:variables": variables });
    return id.slice(1, id.indexOf("@"));
  },
  async whole(at, { to, message }) {
    const { id } = await client(at).messages.create(DOMAIN, { to, message: Buffer.from(message), "o:tag": ["whole"] });
    return id.slice(1, id.indexOf("@"));
  },
  listed: async (at, list) => (await client(at).suppressions.list(DOMAIN, list)).items.map((each) => each.address),
  put: async (at, { list, entry }) => (await client(at).suppressions.create(DOMAIN, list, entry)).message,
  taken: async (at, { list, address }) => (await client(at).suppressions.destroy(DOMAIN, list, address)).address,
  domains: async (at) => (await client(at).domains.list()).map((each) => [each.name, each.state]),
  domain: async (at, name) => (await client(at).domains.get(name)).state,
  // As Ghost polls: from page to page by the name of the next one, with the same question beside it, to an empty page.
  async poll(at, question) {
    const found = [];
    let page = await client(at).events.get(DOMAIN, question);
    while (page.items.length) {
      found.push(page.items);
      page = await client(at).events.get(DOMAIN, { page: page.pages.next.page, ...question });
    }
    const back = await client(at).events.get(DOMAIN, { page: page.pages.previous.page, ...question });
    return { found, back: back.items };
  },
});
