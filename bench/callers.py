"""Callers of a system: each hands in one mail after the other and keeps what was acknowledged."""

import http.client
import json
import smtplib
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Protocol

SENDER = "orders@shop.example.com"
TEXT = "All work and no play. " * 40
ANSWER_WITHIN_S = 30.0
REPEATS_MAX = 400
PAUSE_S = 0.25


class Line(Protocol):
    def send(self, subject: str) -> bool:
        """Whether the mail was acknowledged. Without an answer: OSError, or what stands for it."""
        ...


@dataclass(frozen=True)
class HttpLine:
    """A connection for each mail, since a server that was killed leaves none behind."""

    port: int
    path: str
    token: str

    def send(self, subject: str) -> bool:
        mail = {"from": SENDER, "to": f"{subject}@example.org", "subject": subject, "text": TEXT}
        headers = {"Content-Type": "application/json", "Idempotency-Key": subject}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_WITHIN_S)
        try:
            connection.request("POST", self.path, json.dumps(mail), headers)
            answer = connection.getresponse()
            answer.read()
        except http.client.HTTPException as error:
            raise ConnectionError(str(error)) from None
        else:
            return answer.status < 300
        finally:
            connection.close()


@dataclass(frozen=True)
class SmtpLine:
    port: int

    def send(self, subject: str) -> bool:
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = SENDER, f"{subject}@example.org", subject
        mail.set_content(TEXT)
        try:
            with smtplib.SMTP("127.0.0.1", self.port, timeout=ANSWER_WITHIN_S) as session:
                session.send_message(mail)
        except (smtplib.SMTPServerDisconnected, smtplib.SMTPConnectError) as error:
            raise ConnectionError(str(error)) from None
        except smtplib.SMTPException:
            return False
        return True


class Callers:
    """Hand in mails at the same time, each with a subject that is also its key."""

    def __init__(self, line: Line, *, times: int = 1, insist: bool = False) -> None:
        self.acknowledged: set[str] = set()
        self._line = line
        self._times = times
        self._insist = insist
        self._answered = 0
        self._lock = threading.Lock()

    def send(self, subjects: Sequence[str], at_once: int, on_answered: Callable[[int], None]) -> None:
        """`on_answered` is told how many were answered so far, by the caller that got the answer."""

        def one(subject: str) -> None:
            for _ in range(self._times):
                self._send(subject)
            with self._lock:
                self._answered += 1
                answered = self._answered
            on_answered(answered)

        with ThreadPoolExecutor(at_once) as threads:
            list(threads.map(one, subjects))

    def _send(self, subject: str) -> None:
        """With `insist`, what got no answer is handed in again, as callers do."""
        for _ in range(REPEATS_MAX if self._insist else 1):
            try:
                acknowledged = self._line.send(subject)
            except OSError:
                time.sleep(PAUSE_S)
                continue
            if acknowledged:
                self.acknowledged.add(subject)
            return
