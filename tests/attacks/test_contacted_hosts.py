"""The hosts that are contacted are those of the configuration, whatever a request says, and whatever a provider does.

Everything runs in a network of its own where every address answers, so that nothing that is called stays unseen.
"""

import json
import socket
from contextlib import contextmanager
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attacks.hostile import in_words, parrot
from attacks.house import ACCOUNTS, MAIL, served, until
from attacks.namespace import check_in_namespace, listeners, wiretap
from attacks.vectors import URLS
from server_kit import HOST

INSIDE = "http://169.254.169.254/latest/meta-data/"
EXAMPLES = 60
CARRYING = ("Host", "Origin", "Referer", "Forwarded", "X-Forwarded-Host", "X-Forwarded-For", "X-Forwarded-Server")
CARRYING += (
    "X-Original-URL",
    "X-Rewrite-URL",
    "X-Real-IP",
    "Proxy-Host",
    "Proxy-Authorization",
    "Via",
    "True-Client-IP",
)
CARRYING += ("X-Wap-Profile", "From", "Contact", "Base-Url", "Destination", "Callback", "Idempotency-Key", "Link")
OPTIONS = (
    "base_url",
    "region",
    "domain",
    "host",
    "template",
    "o:tag",
    "o:skip-verification",
    "h:X-Url",
    "v:url",
    "t:url",
)
OPTIONS += ("template_id", "asm", "mail_settings", "tracking_settings", "attachment", "url", "webhook_url", "o:dkim")
PATHS = ("/v1/emails/{}", "/v1/routes/{}", "/v1/suppressions/{}", "/v1/inbox/{}", "/{}", "/v1/emails?recipient={}")
PATHS += ("/v1/emails?cursor={}", "/v1/events?message={}", "/v1/emails?account={}", "/docs?url={}", "/v1/emails?tag={}")
ANYTHING = st.recursive(
    st.sampled_from(URLS) | st.integers() | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from((*OPTIONS, *URLS)), inner, max_size=3),
    max_leaves=8,
)


@contextmanager
def overheard(allowed):
    """Nobody but the allowed ports of 127.0.0.1 is contacted meanwhile."""
    with listeners() as calls, wiretap() as seen:
        yield seen
    assert {contact for contact in seen if contact[1] != HOST or contact[2] not in allowed} == set()
    assert calls == []


def mails_with(url, *, in_all):
    """Mails that carry it in every field that takes a text; and in some that take none, or do not exist."""
    plain = "".join(char for char in url if char.isascii() and char.isalnum()) or "x"
    line = url.replace("\r", "").replace("\n", "")
    fields = {
        "subject": line,
        "text": url,
        "html": f'<img src="{url}"><link rel="stylesheet" href="{url}"><iframe src="{url}"></iframe>',
        "headers": {"List-Unsubscribe": f"<{line}>", "X-Url": line, "Disposition-Notification-To": line},
        "metadata": {"url": line, plain[:60]: line},
        "tags": [line[:128]],
        "reply_to": {"email": "reply@example.com", "name": line[:300]},
        "attachments": [
            {"filename": line[:200], "content": "", "content_id": plain[:200]},
            {"filename": "a", "content": "PGltZz4=", "content_type": "message/external-body; access-type=URL"},
        ],
    }
    yield MAIL | fields
    if not in_all:
        return
    yield MAIL | {"base_url": url}
    yield MAIL | {"route": url[:100]}
    yield MAIL | {"attachments": [{"filename": "a", "url": url, "path": url}]}
    yield MAIL | {"attachments": [{"filename": "a", "content": url}]}
    yield MAIL | {"to": [f"bob@{url.partition('//')[2].partition('/')[0]}"]}
    for provider in ("mailgun", "sendgrid", "smtp"):
        yield MAIL | {"provider_options": {provider: dict.fromkeys(OPTIONS, url)}}


def is_quiet(house):
    """Nothing waits to be sent at once."""
    return not any(house.ask("GET", f"/v1/emails?state={state}").json["data"] for state in ("queued", "sending"))


def addresses_are_not_called(tmp_path):
    with served(tmp_path) as house:
        house.token()
        allowed = {house.port, *house.ports.values()}
        with overheard(allowed) as seen:
            mails = [mail for number, url in enumerate(URLS) for mail in mails_with(url, in_all=number % 5 == 0)]
            answers = [house.ask("POST", "/v1/emails", mail).status for mail in mails]
            until(lambda: is_quiet(house), 60)
        assert set(answers) == {202, 422}
        assert answers.count(202) >= len(URLS)
        assert {("tcp", HOST, house.ports[name]) for name in ("mailgun", "smtp")} & seen


def no_request_leads_elsewhere(tmp_path):
    with served(tmp_path) as house:
        house.token()

        @settings(max_examples=EXAMPLES)
        @given(
            url=st.sampled_from(URLS),
            names=st.sets(st.sampled_from(CARRYING), max_size=5),
            path=st.sampled_from(PATHS),
            body=st.dictionaries(st.sampled_from((*MAIL, *OPTIONS, "provider_options", "headers")), ANYTHING),
            options=st.dictionaries(
                st.sampled_from(("mailgun", "sendgrid", "smtp")), st.dictionaries(st.text(), ANYTHING)
            ),
        )
        def check(url, names, path, body, options):
            carried = [(name, url) for name in names if url.isascii()]
            encoded = quote(url, safe="")
            target = path.format(encoded)
            for method in ("GET", "PUT", "DELETE"):
                assert house.ask(method, target, headers=carried).status < 500
            for mail in (MAIL | body, MAIL | {"provider_options": options}, body):
                content = json.dumps(mail).encode("utf-8", errors="replace")
                for operation in ("/v1/emails", "/sendEmail", "/setEmailProvider"):
                    assert house.ask("POST", operation, content, carried).status < 504
            key = ": ".join(house.bearer())
            for form in (f"http://169.254.169.254:80{target}", f"//169.254.169.254{target}", "169.254.169.254:80"):
                head = f"GET {form} HTTP/1.1\r\nHost: 169.254.169.254\r\n{key}\r\nConnection: close\r\n\r\n"
                assert house.raw(head.encode("ascii", errors="replace")).startswith(b"HTTP/1.1 ")

        with overheard({house.port, *house.ports.values()}):
            check()
            until(lambda: is_quiet(house), 60)


def accounts_at(port):
    only = ACCOUNTS.partition("[accounts.smtp]")[0]
    return only.replace("{mailgun}", str(port)).replace("{sendgrid}", str(port))


def redirects_are_not_followed(tmp_path):
    headers = {
        "Location": INSIDE,
        "Content-Location": INSIDE,
        "Refresh": f"0; url={INSIDE}",
        "Link": f'<{INSIDE}>; rel="next"',
    }
    statuses = (301, 302, 303, 307, 308, 300, 201, 305, 200)
    page = {"items": [{"id": 1}], "paging": {"next": INSIDE}, "messages": [{"sg_message_id": INSIDE}], "id": None}

    def form(_told, _body):
        return json.dumps(page | {"location": INSIDE, "_links": {"next": {"href": INSIDE}}}).encode()

    script = [(status, answer, headers) for status in statuses for answer in (in_words, form)]
    with parrot(*script) as provider, served(tmp_path, accounts_at(provider.server_port), ports={}) as house:
        house.token()
        with overheard({house.port, provider.server_port}):
            mail = MAIL | {"on_unknown": "hold", "resolve_within_s": 1}
            for _ in range(len(script)):
                assert house.ask("POST", "/v1/emails", mail).status == 202
            until(lambda: len(provider.asked) > 2 * len(script), 60)
        asked = [(method, path) for method, path, _, _ in provider.asked]
        assert {method for method, _ in asked} == {"GET", "POST"}
        assert not any(INSIDE in path for _, path in asked)


def the_tap_hears_a_call():
    for address, family in (("169.254.169.254", socket.AF_INET), ("fd00:ec2::254", socket.AF_INET6)):
        with pytest.raises(AssertionError), overheard(set()), socket.socket(family) as caller:
            caller.connect((address, 80))
        with pytest.raises(AssertionError), overheard(set()), socket.socket(family, socket.SOCK_DGRAM) as caller:
            caller.sendto(b"who?", (address, 53))


def test_there_are_enough_spellings():
    assert len(URLS) >= 200


def test_a_call_to_anywhere_would_be_seen():
    check_in_namespace(the_tap_hears_a_call)


def test_no_address_in_a_mail_is_called(tmp_path):
    check_in_namespace(lambda: addresses_are_not_called(tmp_path))


def test_no_request_makes_it_call_another_host(tmp_path):
    check_in_namespace(lambda: no_request_leads_elsewhere(tmp_path))


def test_no_redirect_nor_link_of_a_provider_is_followed(tmp_path):
    check_in_namespace(lambda: redirects_are_not_followed(tmp_path))
