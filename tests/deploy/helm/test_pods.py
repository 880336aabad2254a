"""The pods run: what the chart says of them, as processes over a real PostgreSQL and a real Valkey."""

import asyncio
import json

import pytest

from crash.processes import Process, ask, until
from deploy.helm import chart
from everpost.sandbox.sandbox import PORTS
from postgres_kit import cluster
from server_kit import API_ACCOUNTS, EVERPOST, HOST, environ, free_ports
from valkey_kit import valkey_server

pytestmark = pytest.mark.slow
INBOX = "/_sandbox/inbox"
MOUNTED = "/etc/everpost/everpost.toml"
SECRETS = {"MAILGUN_API_KEY": "key-sandbox", "SENDGRID_API_KEY": "SG.sandbox"}
MAIL = {"from": "ann@mg.example.com", "to": "bob@example.org", "subject": "Hello", "text": "It works"}
HANDED_OVER_WITHIN_S = 30.0


@pytest.fixture(scope="module")
def outside(tmp_path_factory):
    """What the cluster has besides Everpost: the values that lead there."""
    folder = tmp_path_factory.mktemp("outside")
    with cluster(folder) as database, valkey_server(folder) as valkey:
        yield {
            "store": {"url": f"postgres://postgres@{HOST}:{database.port}/postgres?sslmode=disable"},
            "health": {"url": f"valkey://{HOST}:{valkey.port}"},
            "wakeup": {"url": f"valkey://{HOST}:{valkey.port}"},
        }


@pytest.fixture
async def sandbox(tmp_path):
    ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
    words = [word for name, port in ports.items() for word in (f"--{name}-port", str(port))]
    process = Process((*EVERPOST, "sandbox", *words), tmp_path / "log", f"http://{HOST}:{ports['control']}", INBOX)
    await process.start()
    yield ports, process
    await process.end(30.0)


class Node:
    """Starts pods as processes: their arguments, variables and mounted files, each on a port of its own."""

    def __init__(self, made, folder):
        self.pods = dict(chart.pods(made))
        self._folder = folder
        text = chart.of("ConfigMap", made)[""]["data"]["everpost.toml"]
        (folder / "everpost.toml").write_text(text)

    def told(self, name):
        """The environment of a pod's container; the only Secret that these values name is SECRETS."""
        container = self.pods[name]["containers"][0]
        given = {one["name"]: one["value"] for one in container["env"]}
        moved = {key: str(self._folder / "data") if key == "EVERPOST_DATA" else value for key, value in given.items()}
        return environ() | moved | (SECRETS if "envFrom" in container else {})

    def words(self, name):
        args = self.pods[name]["containers"][0]["args"]
        return [*EVERPOST, *(str(self._folder / "everpost.toml") if word == MOUNTED else word for word in args)]

    def pod(self, name, variable):
        [port] = free_ports(1)
        told = self.told(name) | {f"{variable}_HOST": HOST, f"{variable}_PORT": str(port)}
        probe = self.pods[name]["containers"][0]["readinessProbe"]["httpGet"]["path"]
        return Process(self.words(name), self._folder / f"{name}.log", f"http://{HOST}:{port}", probe, told)

    async def run(self, name, words=()):
        """What a container that ends has said; beside a pod's own command there is `kubectl exec`."""
        command = [*EVERPOST, *words] if words else self.words(name)
        process = await asyncio.create_subprocess_exec(
            *command, env=self.told(name), cwd=self._folder, stdout=asyncio.subprocess.PIPE
        )
        said, _ = await process.communicate()
        assert process.returncode == 0
        return said

    def graceful_s(self, name):
        """What is left for the process: its pod leaves the Service first."""
        pod = self.pods[name]
        hook = pod["containers"][0].get("lifecycle")
        return pod["terminationGracePeriodSeconds"] - (float(hook["preStop"]["exec"]["command"][1]) if hook else 0.0)


@pytest.fixture
def node(outside, sandbox, tmp_path):
    ports, _ = sandbox
    accounts = API_ACCOUNTS.format(mailgun=ports["mailgun"], sendgrid=ports["sendgrid"], patience_s=5.0)
    for name, value in SECRETS.items():
        accounts = accounts.replace(f'"{value}"', f'"${name}"')
    secrets = {"environment": ["everpost-providers"]}
    folder = tmp_path / "node"
    folder.mkdir()
    return Node(chart.objects(chart.values(config=accounts, secrets=secrets, **outside)), folder)


async def test_a_mail_that_the_api_took_is_handed_over_by_a_worker_and_pods_keep_nothing(node, sandbox, tmp_path):
    await node.run("migrate")
    api, worker = node.pod("api", "EVERPOST_HTTP"), node.pod("worker", "EVERPOST_WORK")
    try:
        await api.start()
        key = json.loads(await node.run("api", ("keys", "create", "--scope", "send", "--name", "shop", "--json")))
        status, answer, _ = await ask("POST", f"{api.url}/v1/emails", MAIL, {"Authorization": f"Bearer {key['token']}"})
        assert (status, answer["state"]) == (202, "queued")

        async def is_there():
            _, inbox, _ = await ask("GET", sandbox[1].url + INBOX)
            return len(inbox["data"]) == 1

        assert not await is_there()
        await worker.start()
        await until(is_there, HANDED_OVER_WITHIN_S)
        assert [(await ask("GET", f"{one.url}/livez"))[0] for one in (api, worker)] == [200, 200]
        assert await api.end(node.graceful_s("api")) == 0
        assert await worker.end(node.graceful_s("worker")) == 0
    finally:
        for one in (api, worker):
            if one.running is not None:
                await one.kill()
    assert {path.name for path in (tmp_path / "node").iterdir()} == {"everpost.toml", "api.log", "worker.log"}
