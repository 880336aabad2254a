"""The usual web handler: Django, django-anymail, try the first provider, except: try the next one."""

import json
import sys

import anymail_sender
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path


def send(request: HttpRequest) -> HttpResponse:
    try:
        anymail_sender.send(json.loads(request.body))
    except Exception as error:  # noqa: BLE001 - the caller is told
        return _answer(502, str(error))
    return _answer(200, "sent")


def _answer(status: int, words: str) -> HttpResponse:
    body = json.dumps({"message": words})
    return HttpResponse(body, "application/json", status, headers={"Content-Length": str(len(body))})


urlpatterns = [path("send", send)]
anymail_sender.configure(ROOT_URLCONF=sys.modules[__name__].__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="bench")
application = get_wsgi_application()
