"""What a function costs until it takes its first event, beside one that is written as usual."""

import platform
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from figures import median
from goals import USUAL
from peers import install
from results import Table, Told, number
from runtime_api import Used, init_of
from scale import Scale

ROOT = Path(__file__).parents[2]
PEERS = Path(install.__file__).parent / "lambda"
ARCHITECTURES = {"x86_64": "x86_64", "aarch64": "arm64"}
STARTS = 20
QUICK_STARTS = 5
PACKAGE = "everpost.entrypoints.aws"
HANDLERS = ("send_email", "get_email_provider", "set_email_provider", "api", "deliver", "relay", "hooks")
JUDGED = "send_email"
BARE = "an empty handler"
COMPILED = f"{USUAL}, with bytecode"
CONFIG = '[accounts.one]\nprovider = "mailgun"\ndomain = "mg.example.com"\napi_key = "k"\n'
AWS = {"AWS_REGION": "eu-central-1", "AWS_DEFAULT_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "test"}
AWS |= {"AWS_SECRET_ACCESS_KEY": "test"}
OURS = {
    "EVERPOST_STORE": "dynamodb:mail?bodies=bodies",
    "EVERPOST_ATTACHMENTS": "s3:bodies?prefix=attachments/",
    "EVERPOST_HTTP_PUBLIC_URL": "https://mail.example.com",
    "EVERPOST_HEALTH": "valkeys://cache:6379?iam=everpost,cache&serverless=true",
    "EVERPOST_WAKEUP": "sqs:https://sqs.eu-central-1.amazonaws.com/1/calls",
    "EVERPOST_EVENTS_SINKS": "kinesis:trail",
}


@dataclass
class Case:
    name: str
    python: Path  # of a virtual environment with the runtime client
    handler: str
    environ: Mapping[str, str]
    inits: list[Used] = field(default_factory=list)

    def start(self, folder: Path) -> None:
        words = (str(self.python), "-m", "awslambdaric", self.handler)
        self.inits.append(init_of(*words, environ={**AWS, **self.environ}, folder=folder))

    def least(self, of: Callable[[Used], float]) -> float:
        return min(map(of, self.inits))

    def usual(self, of: Callable[[Used], float]) -> float:
        return median(map(of, self.inits))


def run(folder: Path, scale: Scale) -> Told:
    told = Told()
    size = _zip(folder)
    bare = install.venv("lambda-bare", PEERS / "bare.txt", "--compile-bytecode") / "python"
    ours = {"PYTHONPATH": str(folder / "task"), "EVERPOST_CONFIG": str(folder / "everpost.toml"), **OURS}
    apps = {"PYTHONPATH": str(PEERS), "TABLE": "mail", "POWERTOOLS_METRICS_NAMESPACE": "mail"}
    cases = [Case(name, bare, f"{PACKAGE}.{name}", ours) for name in HANDLERS]
    cases.append(Case(BARE, bare, "bare_app.handler", apps))
    try:
        cases += [
            Case(name, bare, "lambda_app.handler", {**apps, **_usual(folder_name, *options)})
            for name, folder_name, options in (
                (USUAL, "lambda-usual", ()),
                (COMPILED, "lambda-compiled", ("--compile-bytecode",)),
            )
        ]
    except install.Unavailable as missing:
        told.missing[USUAL] = str(missing)
    starts = QUICK_STARTS if scale.quick else STARTS
    for _ in range(starts + 1):  # the first one finds nothing in the system's cache
        for case in cases:
            case.start(folder)
    for case in cases:
        del case.inits[0]
    _tell(told, {case.name: case for case in cases}, size)
    told.how = (
        f"Each handler is started {starts} times, in turns, by Lambda's own runtime interface client (awslambdaric) "
        "against an emulator of its API, out of the zip that `make lambda` builds. Init ends when the process asks for "
        "its first event: Python, the runtime client, imports, configuration, and whatever the handler makes once. "
        f"{USUAL}: an application with one model, two clients and keys in DynamoDB, packed as the usual tools do, "
        "without bytecode, so that each cold start compiles it in a folder that it can't write to; and with bytecode."
    )
    return told


def _usual(name: str, *options: str) -> dict[str, str]:
    """Where the runtime client finds the other function and what that one needs."""
    [packages] = (install.venv(name, PEERS / "peer.txt", *options).parent / "lib").glob("python*/site-packages")
    return {"PYTHONPATH": f"{PEERS}:{packages}", "PYTHONDONTWRITEBYTECODE": "1"}


def _zip(folder: Path) -> int:
    """Bytes of the zip that is unpacked in the folder `task`."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    words = ["--arch", ARCHITECTURES[platform.machine()], "--python", version]
    subprocess.run([sys.executable, ROOT / "tools" / "lambda_zip.py", folder / "lambda.zip", *words], check=True)
    with zipfile.ZipFile(folder / "lambda.zip") as archive:
        archive.extractall(folder / "task")
    (folder / "everpost.toml").write_text(CONFIG)
    (folder / "everpost.toml").chmod(0o600)
    shutil.rmtree(folder / "__pycache__", ignore_errors=True)
    return (folder / "lambda.zip").stat().st_size


def _tell(told: Told, cases: Mapping[str, Case], size: int) -> None:
    rows = [
        [
            case.name,
            *(f"{number(1000 * value)} ms" for of in (_cpu, _wall) for value in (case.least(of), case.usual(of))),
            f"{number(case.usual(_memory) / 1e6)} MB",
        ]
        for case in cases.values()
    ]
    columns = ["handler", "CPU, least", "CPU, median", "until ready, least", "until ready, median", "peak memory"]
    told.tables.append(Table("From nothing to the first event", columns, rows))
    ours, usual = cases[JUDGED], cases.get(USUAL)
    told.add("init", f"init of {JUDGED}: CPU, median", 1000 * ours.usual(_cpu), "ms")
    told.add("memory", f"peak memory of {JUDGED}, median", ours.usual(_memory) / 1e6, "MB")
    told.add("zip", "the zip", size / 1e6, "MB")
    if usual is not None:
        told.add("init_of_peer", f"init of {JUDGED}, of {USUAL}'s (CPU)", _share(ours, usual, _cpu), "%")
        told.add("init_of_compiled", "  of the same with bytecode", _share(ours, cases[COMPILED], _cpu), "%")
        told.add("memory_of_peer", f"its peak memory, of {USUAL}'s", _share(ours, usual, _memory), "%")


def _share(ours: Case, usual: Case, of: Callable[[Used], float]) -> float:
    return 100 * ours.usual(of) / usual.usual(of)


def _cpu(used: Used) -> float:
    return used.cpu_s


def _wall(used: Used) -> float:
    return used.wall_s


def _memory(used: Used) -> float:
    return used.memory_bytes
