// The page over the native API. Text goes into the page by textContent alone; the key stays in a variable.
"use strict";

const byId = (id) => document.getElementById(id);
let key = "";

async function call(method, path, body, headers = {}) {
  const answer = await fetch(path, {
    method,
    headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json", ...headers },
    body: body && JSON.stringify(body),
  });
  const told = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(told.detail || told.title || `The API answered ${answer.status}.`);
  return told;
}

function row(...texts) {
  const line = document.createElement("tr");
  for (const text of texts) line.insertCell().textContent = text;
  return line;
}

async function showAccounts() {
  const { data } = await call("GET", "/v1/accounts");
  byId("accounts").replaceChildren(...data.map((one) => row(
    one.is_default ? `${one.name} (first)` : one.name, one.provider, one.circuit.state,
  )));
  byId("inside").hidden = false;
}

// Whoever repeats the same mail after a lost answer repeats its key too, so that it goes out once.
let intended = { mail: "", idempotencyKey: "" };

async function send(form) {
  const { from, to, subject, text } = Object.fromEntries(new FormData(form));
  const mail = { from, to: [to], subject, text };
  if (intended.mail !== JSON.stringify(mail)) {
    intended = { mail: JSON.stringify(mail), idempotencyKey: crypto.randomUUID() };
  }
  const sent = await call("POST", "/v1/emails", mail, {
    "Idempotency-Key": intended.idempotencyKey, Prefer: "wait=10",
  });
  intended = { mail: "", idempotencyKey: "" };
  form.reset();
  return `Mail ${sent.id} is ${sent.state}.`;
}

function onSubmit(id, act) {
  byId(id).addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      byId("told").textContent = (await act(event.target)) || "";
    } catch (error) {
      byId("told").textContent = error.message;
    }
  });
}

onSubmit("enter", () => {
  key = byId("key").value;
  return showAccounts();
});
onSubmit("send", send);
