"""SMTP beside HTTP, as processes."""

import asyncio
import contextlib
import re
import smtplib
import subprocess

import pytest

from everpost.entrypoints.cli.client import Client
from everpost.entrypoints.laptop import DevOptions, run_dev
from server_kit import EVERPOST, HOST, environ, free_ports
from smtp_kit import MAIL

CONFIG = """
data = "{folder}/data"
[http]
port = {port}
[submission]
plain_port = {smtp}
[accounts.main]
provider = "smtp"
host = "127.0.0.1"
port = 1
security = "none"
"""


def send(port, token="", mail=MAIL):
    with smtplib.SMTP(HOST, port) as client:
        client.login("everpost", token)
        client.sendmail("ann@example.com", ["bob@example.org"], mail)


@pytest.mark.slow
async def test_a_development_server_takes_mail_by_smtp_as_by_its_api(tmp_path):
    [port] = free_ports(1)
    said = asyncio.Queue()
    options = DevOptions(port=port, smtp_port=0, submission_port=0, data=tmp_path / "data")
    server = asyncio.create_task(run_dev(options, said.put_nowait))
    welcome = await said.get()
    smtp = int(re.search(r"SMTP +127\.0\.0\.1:(\d+)", welcome)[1])
    await asyncio.to_thread(send, smtp)
    [mail] = (await asyncio.to_thread(Client(f"http://{HOST}:{port}").get, "/v1/emails"))["data"]
    assert mail["subject"] == "Hello"
    server.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await server


@pytest.mark.slow
def test_several_processes_take_mail_at_one_port_and_end_when_they_are_told(tmp_path):
    port, smtp = free_ports(2)
    config = tmp_path / "everpost.toml"
    config.write_text(CONFIG.format(folder=tmp_path, port=port, smtp=smtp))
    key = [*EVERPOST, "keys", "create", "--scope", "send", "--name", "test", "--config", str(config), "--json"]
    made = subprocess.run(key, check=True, capture_output=True, text=True, env=environ()).stdout
    token = re.search(r"evp_[a-z0-9_]+", made)[0]
    words = [*EVERPOST, "serve", "--processes", "2", "--config", str(config)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=environ()) as process:
        assert "in 2 processes" in process.stdout.readline()
        for number in range(4):
            send(smtp, token, MAIL.replace(b"1@", b"%d@" % number))
        process.terminate()
        assert process.wait(30) == 0
