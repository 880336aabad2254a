"""Builds the image with no engine, on a base that is like Python's own: Debian's packages, unpacked by mmdebstrap."""

import json
import os
import platform
import re
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from system_parts import missing, program

ROOT: Final = Path(__file__).resolve().parents[3]
DOCKERFILE: Final = ROOT / "Dockerfile"
sys.path.insert(0, str(ROOT / "tools"))

from chain import lists  # noqa: E402  tools are no package of ours

BASE: Final = "localhost/base:1"
PACKAGES: Final = "python3,ca-certificates,coreutils,findutils,sed,dash,base-files"
CERTIFICATES: Final = Path("/etc/ssl/certs")
SOURCES: Final = tuple(
    Path("/etc/apt", name)
    for name in ("sources.list.d/debian.sources", "sources.list.d/ubuntu.sources", "sources.list")
)
READ_ONLY: Final = """
set -e
mount --bind "$1" "$1"
mount -o remount,bind,ro "$1"
mount --rbind /dev "$1/dev"
mount -t proc proc "$1/proc"
mount -t tmpfs tmpfs "$1/tmp"
mount --bind "$2" "$1/etc/everpost"
root=$1 user=$3
shift 3
exec chroot --userspec="$user" "$root" "$@"
"""
"""As the pods have it: the root can't be written to, /tmp can, and the configuration is there."""


def argument(name: str) -> str:
    """The default of one of the Dockerfile's arguments."""
    [(quoted, plain)] = re.findall(rf'^ARG {name}=(?:"([^"]*)"|(\S*))$', DOCKERFILE.read_text(), re.MULTILINE)
    return str(quoted or plain)


def distributions() -> Mapping[str, Mapping[str, Any]]:
    """What uv.lock says has to be in it, besides Everpost."""
    return lists.runtime(argument("EXTRAS").split())


class Builder:
    """Keeps its images below one folder."""

    def __init__(self, folder: Path) -> None:
        if os.geteuid() != 0:
            missing("an image is built by root here")
        self._folder = folder
        self._program = program("buildah")

    def buildah(self, *words: str | Path) -> str:
        places = ("--root", self._folder / "storage", "--runroot", self._folder / "run", "--storage-driver", "vfs")
        return _run(self._program, *places, *words)

    def make_base(self) -> None:
        archive = self._folder / "base.tar"
        words = ("--quiet", "--variant=extract", f"--include={PACKAGES}", "--dpkgopt=path-exclude=/usr/share/doc/*")
        _run(program("mmdebstrap"), *words, platform.freedesktop_os_release()["VERSION_CODENAME"], archive, _sources())
        container = self.buildah("from", "scratch")
        self.buildah("add", "--quiet", container, archive, "/")
        self.buildah("commit", "--quiet", "--rm", container, BASE)

    def build(self, tag: str, options: Sequence[str] = ()) -> str:
        """The name of the image. What the machine trusts and which index it uses are no part of it."""
        index = os.environ.get("UV_DEFAULT_INDEX")
        self.buildah(
            *("bud", "--quiet", "--isolation=chroot", "--layers=false", "--pull-never", "--timestamp=0"),
            *("--volume", f"{CERTIFICATES}:{CERTIFICATES}:ro", "--build-arg", f"BASE={BASE}"),
            *(("--build-arg", f"UV_DEFAULT_INDEX={index}") if index else ()),
            *(*options, "--tag", tag, ROOT),
        )
        return f"localhost/{tag}"

    def about(self, image: str) -> Mapping[str, Any]:
        """Its configuration and its layers, as OCI writes them."""
        return json.loads(self.buildah("inspect", "--type=image", image))["OCIv1"]

    def unpacked(self, image: str) -> Path:
        return Path(self.buildah("mount", self.buildah("from", "--pull-never", image)))


def started(root: Path, about: Mapping[str, Any], config: Path, words: Sequence[str] = ()) -> subprocess.Popen[str]:
    """The image's command, or other words for its entrypoint, as the first process of a container."""
    told = about["config"]
    command = [*told["Entrypoint"], *(words or told["Cmd"])]
    inside = ["env", "--ignore-environment", f"--chdir={told['WorkingDir']}", *told["Env"], *command]
    outside = [program("unshare"), "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", READ_ONLY, "sh"]
    return subprocess.Popen(
        [*outside, root, config, told["User"], *inside],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={
            **os.environ,
            "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin",
        },  # where Debian has chroot
    )


def first(process: subprocess.Popen[str]) -> int:
    """The process that is the first one inside, by its number outside."""
    [child] = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return int(child)


def status(pid: int) -> Mapping[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def ended(process: subprocess.Popen[str], within_s: float) -> int:
    """The exit code of what is told to end, as a cluster does it."""
    os.kill(first(process), signal.SIGTERM)
    return process.wait(within_s)


def _sources() -> Path:
    """Debian's mirror is the machine's own."""
    found = next((path for path in SOURCES if path.exists()), None)
    if found is None:
        missing("this is no Debian: there are no sources for apt")
    return found


def _run(*words: str | Path) -> str:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{words[0]} {words[1:]}: {done.stderr[-4000:]}"
    return done.stdout.strip()
