// Sends a mail by nodemailer, as a block says; nodemailer is found from the folder that is named.
import { createRequire } from "node:module";
import { text } from "node:stream/consumers";

const nodemailer = createRequire(`${process.argv[2]}/`)("nodemailer");
const { block } = JSON.parse(await text(process.stdin));
const Block = Object.getPrototypeOf(async () => {}).constructor;
await new Block("nodemailer", block)(nodemailer);
