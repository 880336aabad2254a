"""Peers that answer their caller once a provider has: what most applications do."""

from typing import ClassVar

from peers import install
from peers.peer import APPS, Part, Peer


class Anymail(Peer):
    name: ClassVar[str] = "anymail"
    title: ClassVar[str] = "Django + anymail"
    about: ClassVar[str] = (
        "Django with django-anymail behind gunicorn, 2 processes of 32 threads: try the first provider, except: try "
        "the next one"
    )

    @classmethod
    def check(cls) -> None:
        install.venv()

    def parts(self) -> list[Part]:
        options = [
            "--workers=2",
            "--worker-class=gthread",
            "--threads=32",
            "--keep-alive=60",
            "--backlog=2048",
            "--timeout=60",
        ]
        bind = ["--bind", f"127.0.0.1:{self.port}", "--worker-tmp-dir", self.setting.folder]
        command = [install.venv() / "gunicorn", *options, *bind, "--pythonpath", APPS, "anymail_app:application"]
        return [Part(command, self.setting.environment, self.port)]


class Proxy(Peer):
    name: ClassVar[str] = "proxy"
    title: ClassVar[str] = "FastAPI + httpx proxy"
    about: ClassVar[str] = (
        "a proxy of our own making that keeps nothing: FastAPI, one httpx client, the next provider on any error; "
        "uvicorn on uvloop, 1 process"
    )

    @classmethod
    def check(cls) -> None:
        install.venv()

    def parts(self) -> list[Part]:
        options = ["--port", str(self.port), "--no-access-log", "--log-level", "warning", "--backlog", "2048"]
        command = [install.venv() / "uvicorn", *options, "--app-dir", APPS, "proxy_app:app"]
        return [Part(command, self.setting.environment, self.port)]


class Node(Peer):
    name: ClassVar[str] = "node"
    title: ClassVar[str] = "Node + SDK"
    about: ClassVar[str] = (
        "Node's own HTTP server and the provider's SDK (@sendgrid/mail), the next provider on any error"
    )

    @classmethod
    def check(cls) -> None:
        install.node()

    def parts(self) -> list[Part]:
        environment = self.setting.environment | {"NODE_FOLDER": str(install.node())}
        return [Part([install.program("node"), APPS / "node_handler.mjs", str(self.port)], environment, self.port)]
