import sendgrid from "@sendgrid/mail";

import { serve } from "./serve.mjs";

function file(each) {
  const inline = each.content_id && { content_id: each.content_id };
  const disposition = inline ? "inline" : "attachment";
  return { content: each.content, filename: each.filename, type: each.content_type, disposition, ...inline };
}

function written(mail) {
  return {
    from: mail.sender,
    to: mail.to,
    cc: mail.cc,
    bcc: mail.bcc,
    replyToList: mail.reply_to.length ? mail.reply_to : undefined,
    subject: mail.subject,
    text: mail.text ?? undefined,
    html: mail.html ?? undefined,
    attachments: mail.attachments.map(file),
    headers: mail.headers,
    categories: mail.tags,
    customArgs: mail.metadata,
    sendAt: mail.send_at ?? undefined,
    batchId: mail.batch,
  };
}

function pointed({ url, key }) {
  sendgrid.setApiKey(key);
  sendgrid.client.setDefaultRequest("baseUrl", url);
}

async function asked(method, url, body) {
  const [, answer] = await sendgrid.client.request({ method, url, body });
  return answer;
}

await serve({
  async send(at, mail) {
    pointed(at);
    sendgrid.setTimeout(mail.within_ms ?? 0);
    const [response] = await sendgrid.send(written(mail));
    return response.headers["x-message-id"];
  },
  async template(at, { id, data, ...mail }) {
    pointed(at);
    const [response] = await sendgrid.send({ ...mail, templateId: id, dynamicTemplateData: data });
    return response.headers["x-message-id"];
  },
  async batch(at, mails) {
    pointed(at);
    const told = await sendgrid.send(mails.map(written));
    return told.map(([response]) => response.headers["x-message-id"]);
  },
  async apart(at, mail) {
    pointed(at);
    const [response] = await sendgrid.sendMultiple(written(mail));
    return response.headers["x-message-id"];
  },
  async group(at) {
    pointed(at);
    return (await asked("POST", "/v3/mail/batch")).batch_id;
  },
  async cancel(at, batch) {
    pointed(at);
    return (await asked("POST", "/v3/user/scheduled_sends", { batch_id: batch, status: "cancel" })).status;
  },
  async get(at, path) {
    pointed(at);
    return asked("GET", path);
  },
});
