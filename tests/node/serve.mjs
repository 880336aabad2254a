// Calls a client's actions, one after the other: a JSON task in each line of the input, a JSON answer in each line of the
// output. What an action throws is told as its users would see it: by its class, words and fields.
import { createInterface } from "node:readline";

function seen(error) {
  const told = { class: error.constructor.name, message: error.message, code: error.code };
  try {
    return JSON.parse(JSON.stringify({ ...told, ...error }));
  } catch {
    return told; // its fields go round in circles, as those of a request that had no answer
  }
}

async function answerTo(actions, { action, url, key, input }) {
  try {
    return { value: await actions[action]({ url, key }, input) };
  } catch (error) {
    return { error: seen(error) };
  }
}

export async function serve(actions) {
  for await (const line of createInterface({ input: process.stdin })) {
    console.log(JSON.stringify(await answerTo(actions, JSON.parse(line))));
  }
}
