import { SendEmailCommand, SESv2Client } from "@aws-sdk/client-sesv2";
import { createTransport } from "nodemailer";

import { serve } from "./serve.mjs";

function transport(host, key, { port, is_tls, is_plain }) {
  return createTransport({
    host,
    port,
    secure: is_tls,
    requireTLS: !is_tls && !is_plain,
    ignoreTLS: is_plain,
    tls: { rejectUnauthorized: false },
    auth: { user: "everpost", pass: key },
  });
}

await serve({
  send: async ({ url, key }, { mail, ...at }) => {
    const { accepted, response } = await transport(url, key, at).sendMail(mail);
    return { accepted, response };
  },
  // By its transport for Amazon SES, which hands whole mails to AWS's own client.
  ses: async ({ url, key }, mail) => {
    const credentials = { accessKeyId: key, secretAccessKey: "anything" };
    const sesClient = new SESv2Client({ endpoint: url, region: "eu-central-1", credentials });
    try {
      return (await createTransport({ SES: { sesClient, SendEmailCommand } }).sendMail(mail)).response;
    } finally {
      sesClient.destroy();
    }
  },
});
