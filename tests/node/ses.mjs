import { SendBulkEmailCommand, SendEmailCommand, SESv2Client } from "@aws-sdk/client-sesv2";

import { serve } from "./serve.mjs";

function named({ name, email }) {
  return name ? `"${name}" <${email}>` : email;
}

function pairs(values) {
  return Object.entries(values).map(([Name, Value]) => ({ Name, Value }));
}

function text(Data) {
  return Data === null ? undefined : { Data, Charset: "UTF-8" };
}

function destination(mail) {
  return {
    ToAddresses: mail.to.map(named),
    CcAddresses: mail.cc.map(named),
    BccAddresses: mail.bcc.map(named),
  };
}

function written(mail) {
  return {
    FromEmailAddress: named(mail.sender),
    Destination: destination(mail),
    ReplyToAddresses: mail.reply_to.map(named),
    Content: {
      Simple: {
        Subject: text(mail.subject),
        Body: { Text: text(mail.text), Html: text(mail.html) },
        Headers: pairs(mail.headers),
        Attachments: mail.attachments.map((each) => ({
          FileName: each.filename,
          RawContent: Buffer.from(each.content, "base64"),
          ContentType: each.content_type,
          ContentDisposition: each.content_id ? "INLINE" : "ATTACHMENT",
          ContentId: each.content_id ?? undefined,
        })),
      },
    },
    EmailTags: pairs(mail.metadata),
  };
}

async function told({ url, key }, command, requestTimeout) {
  const client = new SESv2Client({
    endpoint: url,
    region: "eu-central-1",
    credentials: { accessKeyId: key, secretAccessKey: "anything" },
    requestHandler: { requestTimeout, throwOnRequestTimeout: true },
  });
  try {
    return await client.send(command);
  } finally {
    client.destroy();
  }
}

await serve({
  send: async (at, mail) => (await told(at, new SendEmailCommand(written(mail)), mail.within_ms)).MessageId,
  template: async (at, { id, data, from, to }) => {
    const template = { TemplateName: id, TemplateData: JSON.stringify(data) };
    const mail = { FromEmailAddress: from, Destination: { ToAddresses: [to] }, Content: { Template: template } };
    return (await told(at, new SendEmailCommand(mail))).MessageId;
  },
  raw: async (at, data) =>
    (await told(at, new SendEmailCommand({ Content: { Raw: { Data: Buffer.from(data) } } }))).MessageId,
  bulk: async (at, input) => (await told(at, new SendBulkEmailCommand(input))).BulkEmailEntryResults,
});
