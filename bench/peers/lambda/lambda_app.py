"""A function as it is usually written: FastAPI behind Mangum, boto3, and Powertools for logs, metrics and keys."""

import os

import boto3
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer, IdempotencyConfig, idempotent_function
from fastapi import FastAPI
from mangum import Mangum
from pydantic import BaseModel

logger = Logger(service="mail")
metrics = Metrics(namespace="mail", service="mail")
table = boto3.resource("dynamodb").Table(os.environ["TABLE"])
kinesis = boto3.client("kinesis")
keys = DynamoDBPersistenceLayer(table_name=os.environ["TABLE"])
config = IdempotencyConfig(expires_after_seconds=3600)
app = FastAPI()


class Mail(BaseModel):
    to: str
    subject: str
    text: str


@idempotent_function(data_keyword_argument="mail", persistence_store=keys, config=config)
def hand_over(mail):
    table.put_item(Item=mail)
    kinesis.put_record(StreamName="mail", Data=b"{}", PartitionKey="1")


@app.post("/sendEmail")
def send_email(mail: Mail):
    hand_over(mail=mail.model_dump())
    return {"status": "success"}


@app.get("/health")
def health():
    return {"status": "ok"}


handler = Mangum(app, lifespan="off")
