"""The provider's own SDK and nothing else: `python sdk_send.py FIRST COUNT THREADS`, the result as JSON."""

import json
import resource
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from sendgrid import SendGridAPIClient
from sendgrid.helpers.mail import Mail

from providers import KEY, URLS

TEXT = "All work and no play. " * 90

client = SendGridAPIClient(KEY, host=URLS[0])


def send(number: int) -> None:
    mail = Mail("orders@shop.example.com", f"customer.{number}@example.org", f"SDK order {number}", TEXT)
    client.send(mail)


def cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main(first: int, count: int, threads: int) -> None:
    spent_s, began = cpu_s(), time.perf_counter()
    with ThreadPoolExecutor(threads) as senders:
        list(senders.map(send, range(first, first + count)))
    seconds = time.perf_counter() - began
    print(json.dumps({"seconds": seconds, "cpu_s": cpu_s() - spent_s}))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
