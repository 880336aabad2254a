"""The worker behind Redis, as guides have it: acknowledged late, retried with a growing pause."""

import os

import anymail_sender
import django
from celery import Celery

RETRIES_MAX = 20
PAUSE_S_MAX = 8  # below the visibility timeout: what waits longer than that is delivered twice

app = Celery("bench", broker=os.environ["BROKER"])
app.conf.update(
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_ignore_result=True,
    worker_prefetch_multiplier=1,
    broker_transport_options={"visibility_timeout": float(os.environ["VISIBILITY_S"])},
    broker_connection_retry_on_startup=True,
)
anymail_sender.configure()
django.setup()


@app.task(bind=True, max_retries=RETRIES_MAX)
def deliver(task, mail: dict[str, str]) -> None:
    try:
        anymail_sender.send(mail)
    except Exception as error:  # noqa: BLE001 - as guides have it: whatever it was, later again
        raise task.retry(exc=error, countdown=min(2**task.request.retries, PAUSE_S_MAX)) from None
