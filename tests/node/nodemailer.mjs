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
});
