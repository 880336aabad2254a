import { ServerClient } from "postmark";

import { serve } from "./serve.mjs";

function named({ name, email }) {
  return name ? `"${name}" <${email}>` : email;
}

function list(addresses) {
  return addresses.map(named).join(", ");
}

function written(mail) {
  return {
    From: named(mail.sender),
    To: list(mail.to),
    Cc: list(mail.cc),
    Bcc: list(mail.bcc),
    ReplyTo: list(mail.reply_to),
    Subject: mail.subject,
    TextBody: mail.text,
    HtmlBody: mail.html,
    Attachments: mail.attachments.map((each) => ({
      Name: each.filename,
      Content: each.content,
      ContentType: each.content_type,
      ContentID: each.content_id && `cid:${each.content_id}`,
    })),
    Headers: Object.entries(mail.headers).map(([Name, Value]) => ({ Name, Value })),
    Tag: mail.tags[0],
    Metadata: mail.metadata,
  };
}

function entries(addresses) {
  return { Suppressions: addresses.map((EmailAddress) => ({ EmailAddress })) };
}

function client({ url, key }, within_ms) {
  const patience = within_ms ? { timeout: within_ms / 1000 } : {};
  return new ServerClient(key, { useHttps: false, requestHost: new URL(url).host, ...patience });
}

await serve({
  send: async (at, mail) => (await client(at, mail.within_ms).sendEmail(written(mail))).MessageID,
  template: async (at, { id, data, from, to }) =>
    (await client(at).sendEmailWithTemplate({ From: from, To: to, TemplateAlias: id, TemplateModel: data })).MessageID,
  found: async (at, filter) => client(at).getOutboundMessages(filter),
  details: async (at, id) => client(at).getOutboundMessageDetails(id),
  bounces: async (at, filter) => client(at).getBounces(filter),
  bounce: async (at, id) => client(at).getBounce(id),
  statistics: async (at) => client(at).getDeliveryStatistics(),
  suppress: async (at, addresses) => client(at).createSuppressions("outbound", entries(addresses)),
  unsuppress: async (at, addresses) => client(at).deleteSuppressions("outbound", entries(addresses)),
  suppressed: async (at) => (await client(at).getSuppressions("outbound")).Suppressions.map((each) => each.EmailAddress),
  server: async (at) => client(at).getServer(),
  batch: async (at, mails) => client(at).sendEmailBatch(mails.map(written)),
});
