"""django-anymail as it is usually made to fail over: the next provider after any error, a time-out included."""

import warnings

from anymail.exceptions import AnymailError
from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from requests import RequestException

from providers import KEY, TIMEOUT_S, URLS

warnings.simplefilter("ignore")  # anymail's own word that SendGrid's backend is no longer looked after


def configure(**more: object) -> None:
    settings.configure(ANYMAIL={"SENDGRID_API_KEY": KEY, "REQUESTS_TIMEOUT": TIMEOUT_S}, **more)


def send(mail: dict[str, str]) -> None:
    """Raises the last provider's error if none has taken the mail."""
    last: Exception | None = None
    for url in URLS:
        connection = get_connection("anymail.backends.sendgrid.EmailBackend", api_url=f"{url}/v3/")
        try:
            EmailMessage(mail["subject"], mail["text"], mail["from"], [mail["to"]], connection=connection).send()
        except (AnymailError, RequestException, OSError) as error:
            last = error
        else:
            return
    raise last or RuntimeError("no provider is set")
