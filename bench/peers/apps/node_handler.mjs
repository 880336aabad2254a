// A bare Node handler that only calls the SDK, and the next provider where that fails: node node_handler.mjs PORT
import { createServer } from 'node:http';
import { createRequire } from 'node:module';

const require = createRequire(`${process.env.NODE_FOLDER}/`);
const { MailService } = require('@sendgrid/mail');
const { Client } = require('@sendgrid/client');

const timeout = 1000 * Number(process.env.TIMEOUT_S);
const providers = process.env.PROVIDERS.split(' ').map((url) => {
  const client = new Client();
  const service = new MailService();
  service.setClient(client);
  service.setApiKey('SG.bench'); // also sets the address, so that ours comes after it
  client.setDefaultRequest('baseUrl', url);
  service.setTimeout(timeout);
  return service;
});

async function send(mail) {
  let last;
  for (const provider of providers) {
    try {
      return await provider.send({ from: mail.from, to: mail.to, subject: mail.subject, text: mail.text });
    } catch (error) {
      last = error;
    }
  }
  throw last;
}

function answer(response, status, told) {
  const body = JSON.stringify(told);
  response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) });
  response.end(body);
}

createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', async () => {
    try {
      await send(JSON.parse(Buffer.concat(chunks)));
      answer(response, 200, { state: 'sent' });
    } catch (error) {
      answer(response, 502, { message: String(error) });
    }
  });
}).listen(Number(process.argv[2]), '127.0.0.1');
