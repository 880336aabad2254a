"""What providers list of the time that was missed: whatever they answer, it is read into events that can be kept, or it
breaks off with a reason; and what is asked further goes to the account's own host alone.

The input is answers in their order, one in a line: `200 {"body": 1}`.
"""

from collections import deque
from urllib.parse import urlsplit

from everpost.engine.wire.http import _address
from everpost.providers.contract import HttpResponse, Unclear
from everpost.wiring import PROVIDERS
from fuzz.targets.webhooks import check_one
from provider_cases import account_of

BASE = "https://api.test:8443"
SINCE, UNTIL = 1_800_000_000.0, 1_800_000_900.0
FOLLOWED_MAX = 3  # of what one answer leads to


def check(data):
    answers = [answer(line) for line in data.split(b"\n")]
    for name, provider in PROVIDERS.items():
        if provider.history:
            account = account_of(name, {"base_url": BASE})
            check_all(provider.history.start(account, SINCE, UNTIL), answers)


def answer(line):
    status, _, body = line.partition(b" ")
    return HttpResponse(status=int(status) if status.isdigit() and len(status) == 3 else 200, headers={}, body=body)


def check_all(question, answers):
    left = deque([question])
    for each in answers:
        if not left:
            return
        question = left.popleft()
        assert _address(question.request.url)
        assert urlsplit(question.request.url).netloc == urlsplit(BASE).netloc
        listed = question.read(each)
        if isinstance(listed, Unclear):
            assert listed.reason
            return
        for one in listed.told:
            check_one(one)
        left.extend(listed.further[:FOLLOWED_MAX])
