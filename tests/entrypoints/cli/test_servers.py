import json
import re
import signal
import socket
import subprocess
import sys

import pytest

from everpost.entrypoints.cli import main
from everpost.entrypoints.cli.client import Client
from everpost.entrypoints.cli.command import Stop
from everpost.entrypoints.cli.demo_server import running_server
from everpost.sandbox.sandbox import PORTS


@pytest.mark.slow
def test_a_development_server_starts_on_ports_of_its_own_and_is_gone_afterwards():
    with running_server(1.0, 0.5) as (url, control_url):
        accounts = Client(url).get("/v1/accounts")["data"]
        assert [account["name"] for account in accounts] == ["mailgun", "sendgrid"]
        assert Client(control_url).get("/_sandbox/inbox")["data"] == []
    with pytest.raises(Stop, match="no server answers"):
        Client(url).get("/healthz")


@pytest.mark.slow
def test_a_server_whose_port_is_taken_says_so(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        words = ["dev", "--port", port, "--smtp-port", "0", "--data", str(tmp_path)]
        ended = subprocess.run(
            [sys.executable, "-m", "everpost.entrypoints.cli", *words],
            capture_output=True,
            check=False,
            text=True,
            timeout=60,
        )
    assert ended.returncode == 1
    assert f"can't start: port {port} of 127.0.0.1 is in use\n" in ended.stderr
    assert "is it running already?" in ended.stderr
    assert "Traceback" not in ended.stderr


def served(tmp_path, http):
    config = tmp_path / "everpost.toml"
    config.write_text(f"""
data = "{tmp_path}/data"
[http]
{http}
[accounts.sg]
provider = "sendgrid"
api_key = "SG.x"
""")
    config.chmod(0o600)
    words = [sys.executable, "-m", "everpost.entrypoints.cli", "serve", "--config", str(config)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_a_host_that_is_unknown_is_told_with_where_it_is_set(tmp_path):
    with served(tmp_path, 'host = "nobody.invalid"') as process:
        _, told = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "everpost: can't start: a host to listen on is unknown: " in told
    assert "`host` in [http]" in told
    assert "Traceback" not in told


@pytest.mark.slow
def test_a_server_logs_that_it_has_started_and_that_it_stops_and_no_more_if_nothing_happens(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with served(tmp_path, f"port = {port}") as process:
        assert process.stdout.readline() == f"Everpost listens on http://127.0.0.1:{port}\n"
        process.send_signal(signal.SIGINT)
        _, logged = process.communicate(timeout=60)
    assert process.returncode == 0
    lines = [json.loads(line) for line in logged.splitlines()]
    assert [line["event"] for line in lines] == ["the server has started", "the server stops"]
    assert (lines[0]["host"], lines[0]["port"]) == ("127.0.0.1", port)


@pytest.mark.slow
def test_what_a_server_says_is_json_on_demand_and_a_signal_ends_it_with_0(tmp_path):
    words = ["sandbox", "--json", "--host", "127.0.0.2"]
    for name in PORTS:
        words += [f"--{name}-port", "0"]
    with subprocess.Popen(
        [sys.executable, "-m", "everpost.entrypoints.cli", *words], stdout=subprocess.PIPE, text=True
    ) as process:
        said = [json.loads(process.stdout.readline())["said"] for _ in PORTS]
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert all(re.match(r"\w.* +(http://)?127\.0\.0\.2:[0-9]+", line) for line in said)


@pytest.mark.parametrize(
    ("option", "words"),
    [
        (("--port", "99999"), "is not a port: a number from 0 (any free one) to 65535"),
        (("--port", "http"), "is not a port"),
        (("--smtp-port", "-1"), "is not a port"),
        (("--host", "nonsense"), "is not an IP address of this machine"),
    ],
)
def test_a_port_or_host_that_is_none_is_refused_before_anything_starts(option, words, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["dev", *option])
    assert ended.value.code == 2
    assert words in capsys.readouterr().err
