"""The image is what the Dockerfile says: built from nothing twice, looked through, and run as a pod would."""

import json
import stat
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest

from deploy.image import image
from everpost import __version__
from everpost.engine.engine import DRAIN_S
from everpost.entrypoints.server import REQUESTS_END_S
from server_kit import free_ports

pytestmark = pytest.mark.slow
ARM = 0xB7  # as ELF has it
FOR_ARM = ("--build-arg=TARGETARCH=arm64", "--target=build")
SMTP = '[accounts.relay]\nprovider = "smtp"\nhost = "127.0.0.1"\nport = 25\nsecurity = "none"\n'


@pytest.fixture(scope="module")
def builder(tmp_path_factory):
    made = image.Builder(tmp_path_factory.mktemp("image"))
    made.make_base()
    return made


@pytest.fixture(scope="module")
def images(builder):
    """Two, each from nothing, and what one for another architecture would be filled with."""
    with ThreadPoolExecutor() as pool:
        builds = {"everpost:one": (), "everpost:other": (), "everpost:arm": FOR_ARM}
        return list(pool.map(builder.build, builds.keys(), builds.values()))


@pytest.fixture(scope="module")
def about(builder, images):
    return builder.about(images[0])


@pytest.fixture(scope="module")
def root(builder, images):
    return builder.unpacked(images[0])


@pytest.fixture
def config(tmp_path):
    folder = tmp_path / "config"
    folder.mkdir(mode=0o755)
    (folder / "everpost.toml").write_text(f'data = "/tmp/everpost"\n{SMTP}')
    tmp_path.chmod(0o755)
    return folder


def test_two_builds_are_the_same_bytes(builder, images):
    one, other = (builder.about(each)["rootfs"]["diff_ids"] for each in images[:2])
    assert one == other
    assert len(one) > 1


def test_built_for_another_architecture_it_holds_the_wheels_of_that(builder, images, root):
    here, there = ((each / "venv").rglob("*.so") for each in (root, builder.unpacked(images[2])))
    made_for = [{path.read_bytes()[18:20] for path in found} for found in (here, there)]
    assert made_for[1] == {ARM.to_bytes(2, "little")}
    assert len(made_for[0]) == 1


def test_it_runs_as_nobody_in_particular(about):
    assert about["config"]["User"] == "10001:10001"
    assert (about["config"]["Entrypoint"], about["config"]["Cmd"]) == (["everpost"], ["serve"])


def test_who_runs_it_can_not_change_it(root):
    found = [path for path in (root / "venv").rglob("*") if not path.is_symlink()]
    loose = [
        path for path in found if path.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH | stat.S_ISUID | stat.S_ISGID)
    ]
    assert loose == []
    assert {path.stat().st_uid for path in found} == {0}


def test_it_holds_what_everpost_needs_and_nothing_else(root):
    [packages] = (root / "venv" / "lib").glob("python3.*/site-packages")
    have = {path.name.partition("-")[0].replace("_", "-").lower() for path in packages.glob("*.dist-info")}
    assert have <= image.distributions().keys() | {"everpost"}
    assert have >= {"everpost", "apsw", "uvicorn", "asyncpg", "aiokafka", "opentelemetry-sdk"}
    assert {path.name for path in (root / "venv" / "bin").iterdir()} & {"pip", "uv"} == set()


def test_nothing_is_compiled_at_its_start(root):
    """Its root can't be written to, so each start would compile anew."""
    [packages] = (root / "venv" / "lib").glob("python3.*/site-packages")
    sources = set((packages / "everpost").rglob("*.py"))
    compiled = {path.parent.parent / f"{path.name.partition('.')[0]}.py" for path in packages.rglob("*.pyc")}
    assert sources - compiled == set()
    assert len(sources) > 100


def test_it_tells_its_version(root, about, config):
    process = image.started(root, about, config, ["--version"])
    assert process.communicate()[0] == f"everpost {__version__}\n"
    assert process.returncode == 0


def test_it_serves_from_a_root_that_can_not_be_written_to_and_ends_when_told(root, about, config):
    [port] = free_ports(1)
    told = {**about, "config": about["config"] | {"Env": [*about["config"]["Env"], f"EVERPOST_HTTP_PORT={port}"]}}
    with image.started(root, told, config) as process:
        assert next(line for line in process.stdout if "listens" in line)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz") as answer:
            assert json.load(answer)["version"] == __version__
        status = image.status(image.first(process))
        assert set(status["Uid"].split()) == {"10001"}
        assert int(status["CapEff"], 16) == 0
        assert image.ended(process, REQUESTS_END_S + DRAIN_S) == 0
