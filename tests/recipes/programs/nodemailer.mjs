// Sends a mail by nodemailer, as a block says, or by the options of a block for Ghost; nodemailer is found from the folder
// that is named.
import { createRequire } from "node:module";
import { text } from "node:stream/consumers";

const nodemailer = createRequire(`${process.argv[2]}/`)("nodemailer");
const Block = Object.getPrototypeOf(async () => {}).constructor;

async function byOptions({ mail: { transport, options } }, { sender, to, bcc, subject, text, html, file }) {
  if (transport !== "SMTP") throw new Error(`not by SMTP, but by ${transport}`);
  const attachments = [{ filename: file.name, contentType: file.type, content: Buffer.from(file.base64, "base64") }];
  await nodemailer.createTransport(options).sendMail({ from: sender, to, bcc, subject, text, html, attachments });
}

const { block, mail } = JSON.parse(await text(process.stdin));
await (block.startsWith("{") ? byOptions(JSON.parse(block), mail) : new Block("nodemailer", block)(nodemailer));
