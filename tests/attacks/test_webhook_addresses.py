"""The addresses of webhooks are others' choice. They lead to nothing but what is public, whatever they look like, their
names are resolved to, or is answered there.

Everything runs in a network of its own where every address answers, so that nothing that is called stays unseen.
"""

import socket
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_address

from attacks.house import ACCOUNTS, served
from attacks.names import answering
from attacks.namespace import check_in_namespace, listeners, wiretap
from attacks.vectors import INSIDE, INSIDE_6, NAMES, URLS, spellings
from server_kit import HOST

PUBLIC, PORT = "93.184.216.34", 8088
METADATA = "169.254.169.254"
WITH_WEBHOOKS = ACCOUNTS + "[webhooks]\nplain_http = true\n"
ANSWERS = {
    **{name.rstrip(".").lower(): [[METADATA, "fd00:ec2::254"]] for name in NAMES if name.isascii()},
    "inside.example.com": [[address for address in (*INSIDE, *INSIDE_6) if "%" not in address]],
    "mapped.example.com": [[f"::ffff:{METADATA}", f"64:ff9b::{METADATA}", "2002:a9fe:a9fe::1"]],
    "flips.example.com": [[PUBLIC], [METADATA]],
    "flips-at-once.example.com": [[METADATA], [PUBLIC]],
    "both.example.com": [["10.0.0.1", PUBLIC, "192.168.0.1"]],
    "redirects.example.com": [[PUBLIC]],
}


def addresses():
    """Everything that somebody may try."""
    hosts = [spelling for address in INSIDE for spelling in spellings(address)]
    hosts += [f"[{address}]" for address in INSIDE_6] + list(NAMES)
    hosts += ["inside.example.com", "mapped.example.com"]
    several = [f"{scheme}://{host}{port}/x" for host in hosts for scheme, port in (("https", ""), ("http", ":8080"))]
    return tuple(dict.fromkeys((*URLS, *several)))


class _Redirecting(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(302)
        for name in ("Location", "Content-Location", "Refresh", "Link"):
            self.send_header(name, f"http://{METADATA}/latest/meta-data/")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@contextmanager
def a_receiver_that_redirects():
    with HTTPServer((PUBLIC, PORT), _Redirecting) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def nothing_private_is_called(house):
    """But the house's own parts."""
    own = {house.port, *house.ports.values()}
    with listeners(), wiretap() as seen:
        yield seen
    called = {contact for contact in seen if contact[0] == "tcp" and not (contact[1] == HOST and contact[2] in own)}
    assert {contact for contact in called if not ip_address(contact[1]).is_global} == set()


def tried(house, url):
    """What came of it: refused when it was made, or told by a test."""
    made = house.ask("POST", "/v1/webhooks", {"url": url})
    if made.status == 422:
        return 422
    assert made.status == 201
    one = f"/v1/webhooks/{made.json['id']}"
    told = house.ask("POST", one + "/test").json
    assert house.ask("DELETE", one).status == 204
    return told


def no_spelling_leads_inside(tmp_path):
    with answering(ANSWERS), served(tmp_path, WITH_WEBHOOKS) as house:
        house.token()
        with nothing_private_is_called(house) as seen:
            outcomes = [tried(house, url) for url in addresses()]
        refused_later = [told for told in outcomes if told != 422]
        assert outcomes.count(422) > 200
        assert refused_later
        assert not any(told["ok"] for told in refused_later)
        assert not any(METADATA in told["error"] or "fd00" in told["error"] for told in refused_later)
        assert not any(contact[1] == METADATA for contact in seen)


def names_that_change_lead_nowhere_else(tmp_path):
    with answering(ANSWERS) as asked, a_receiver_that_redirects(), served(tmp_path, WITH_WEBHOOKS) as house:
        house.token()
        with nothing_private_is_called(house) as seen:
            for name in ("flips", "flips-at-once", "both"):
                wanted = {"url": f"http://{name}.example.com:{PORT}/", "events": ["email.sent"]}
                made = house.ask("POST", "/v1/webhooks", wanted).json
                told = [house.ask("POST", f"/v1/webhooks/{made['id']}/test").json for _ in range(2)]
                expected = {"flips": [302, None], "flips-at-once": [None, 302], "both": [302, 302]}[name]
                assert [each["status"] for each in told] == expected
        assert asked["flips.example.com"] == 2
        assert ("tcp", PUBLIC, PORT) in seen


def the_house_is_closed_by_default(tmp_path):
    with served(tmp_path) as house:
        for url in (f"http://{HOST}:{house.port}/", "http://hooks.example.com/", f"https://{HOST}/"):
            assert house.ask("POST", "/v1/webhooks", {"url": url}).status == 422


def the_judge_sees_a_call(tmp_path):
    with served(tmp_path) as house:
        is_seen = False
        try:
            with nothing_private_is_called(house), socket.socket() as caller:
                caller.connect((METADATA, 80))
        except AssertionError:
            is_seen = True
        assert is_seen


def test_there_are_enough_addresses():
    assert len(addresses()) > 500


def test_no_spelling_of_an_address_inside_is_called(tmp_path):
    check_in_namespace(lambda: no_spelling_leads_inside(tmp_path))


def test_no_name_that_changes_and_no_redirect_leads_inside(tmp_path):
    check_in_namespace(lambda: names_that_change_lead_nowhere_else(tmp_path))


def test_without_settings_nothing_but_https_in_public_is_good(tmp_path):
    check_in_namespace(lambda: the_house_is_closed_by_default(tmp_path))


def test_a_call_inside_would_be_seen(tmp_path):
    check_in_namespace(lambda: the_judge_sees_a_call(tmp_path))
