"""Official clients for Node, as the lock file of tests/node says. A driver there holds one client: it is started once,
and does one task after the other."""

import fcntl
import json
import shutil
import subprocess
from pathlib import Path

from system_parts import missing

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / ".node"
INSTALL_WITHIN_S = 100
ENGINE = 20  # the oldest Node that all of these clients run on


class Refused(Exception):
    """What the client has thrown: `seen` has its class, its message and its fields."""

    def __init__(self, seen):
        super().__init__(json.dumps(seen))
        self.seen = seen


class Driver:
    def __init__(self, name):
        program = ("node", "--preserve-symlinks", "--preserve-symlinks-main", str(FOLDER / "drivers" / f"{name}.mjs"))
        self._process = subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, action, input_, *, url, key):
        """What comes of an action of the driver; to be called by one thread at a time. Raises Refused."""
        task = {"action": action, "url": url, "key": key, "input": input_}
        self._process.stdin.write(json.dumps(task) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        if "error" in answer:
            raise Refused(answer["error"])
        return answer.get("value")

    def close(self):
        """It ends with its tasks."""
        self._process.communicate(timeout=20)


def install():
    """Below .node, by npm. Where that can't be had, the test is skipped; as in CI with EVERPOST_NO_SKIP, it fails."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        missing("node and npm are not installed")
    version = subprocess.run(("node", "--version"), check=True, capture_output=True, text=True).stdout.strip()
    if int(version.removeprefix("v").partition(".")[0]) < ENGINE:
        missing(f"node is {version}, and these clients need {ENGINE}")
    FOLDER.mkdir(exist_ok=True)
    words = ["make", "--silent", "--directory", str(ROOT), ".node/.installed"]
    with (FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the tests of another process may be at it
        try:
            subprocess.run(words, check=True, capture_output=True, text=True, timeout=INSTALL_WITHIN_S)
        except (OSError, subprocess.SubprocessError) as error:
            missing(f"the clients can't be installed: {getattr(error, 'stderr', None) or error}")
