"""A proxy that keeps nothing: FastAPI reads the mail, httpx sends it to the first provider, or else to the next."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, Field

from providers import KEY, TIMEOUT_S, URLS


class Mail(BaseModel):
    sender: str = Field(alias="from")
    to: str
    subject: str
    text: str


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with httpx.AsyncClient(timeout=TIMEOUT_S, headers={"Authorization": f"Bearer {KEY}"}) as client:
        app.state.client = client
        yield


app = FastAPI(lifespan=lifespan)


@app.post("/send")
async def send(mail: Mail) -> dict[str, str]:
    body = {
        "personalizations": [{"to": [{"email": mail.to}]}],
        "from": {"email": mail.sender},
        "subject": mail.subject,
        "content": [{"type": "text/plain", "value": mail.text}],
    }
    words = ""
    for url in URLS:
        try:
            answer = await app.state.client.post(f"{url}/v3/mail/send", json=body)
            answer.raise_for_status()
        except httpx.HTTPError as error:
            words = repr(error)
        else:
            return {"id": answer.headers["x-message-id"]}
    raise HTTPException(502, words)
