"""FastAPI that puts the mail in the queue and says 202."""

from celery_tasks import deliver
from fastapi import FastAPI
from pydantic import BaseModel, Field


class Mail(BaseModel):
    sender: str = Field(alias="from")
    to: str
    subject: str
    text: str


app = FastAPI()


@app.post("/send", status_code=202)
async def send(mail: Mail) -> dict[str, str]:
    deliver.delay(mail.model_dump(by_alias=True))
    return {"state": "queued"}
