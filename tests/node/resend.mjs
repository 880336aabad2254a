import { Resend } from "resend";

import { serve } from "./serve.mjs";

function named({ name, email }) {
  return name ? `"${name}" <${email}>` : email;
}

function written(mail) {
  return {
    from: named(mail.sender),
    to: mail.to.map(named),
    cc: mail.cc.map(named),
    bcc: mail.bcc.map(named),
    replyTo: mail.reply_to.map(named),
    subject: mail.subject,
    text: mail.text ?? undefined,
    html: mail.html ?? undefined,
    attachments: mail.attachments.map((each) => ({
      filename: each.filename,
      content: Buffer.from(each.content, "base64"),
      contentType: each.content_type,
      contentId: each.content_id,
    })),
    headers: mail.headers,
    tags: Object.entries(mail.metadata).map(([name, value]) => ({ name, value })),
    scheduledAt: mail.send_at ? new Date(mail.send_at * 1000).toISOString() : undefined,
  };
}

function client({ url, key }) {
  return new Resend(key, { baseUrl: url });
}

// It never throws: what its users look at is `error`.
function data(told) {
  if (told.error) {
    throw Object.assign(new Error(), told.error);
  }
  return told.data;
}

await serve({
  async send(at, mail) {
    return data(await client(at).emails.send(written(mail), { idempotencyKey: mail.key })).id;
  },
  async template(at, { id, data: variables, ...mail }) {
    return data(await client(at).emails.send({ ...mail, template: { id, variables } })).id;
  },
  async batch(at, mails) {
    return data(await client(at).batch.send(mails.map(written))).data.map((each) => each.id);
  },
  get: async (at, id) => data(await client(at).emails.get(id)),
  list: async (at, page) => data(await client(at).emails.list(page)),
  domains: async (at) => data(await client(at).domains.list()).data,
  domain: async (at, id) => data(await client(at).domains.get(id)),
  move: async (at, { id, to }) => data(await client(at).emails.update({ id, scheduledAt: to })).id,
  cancel: async (at, id) => data(await client(at).emails.cancel(id)).id,
});
