"""What stands in deploy/compose is what Compose takes, and what Everpost understands."""

import re
from pathlib import Path

import pytest
import yaml

from everpost.engine.engine import DRAIN_S
from everpost.entrypoints import cli
from everpost.entrypoints.server import REQUESTS_END_S
from everpost.settings import Settings, load
from everpost.settings.load import VARIABLES
from everpost.wiring import PROVIDERS
from system_parts import missing

FOLDER = Path(__file__).resolve().parents[3] / "deploy" / "compose"
OURS = ("api", "worker", "migrate", "sandbox")


def text():
    """Compose puts variables of the environment, or their defaults, in before it reads anything."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", (FOLDER / "compose.yaml").read_text())


@pytest.fixture(scope="module")
def reader():
    try:
        import compose_spec  # noqa: PLC0415 - where it is missing, the tests say so
    except ImportError:
        missing("compose-spec is not installed: it comes with the dependency group `server`")
    return compose_spec.PyOptions(apply_merge=True)


@pytest.fixture(scope="module")
def services():
    return yaml.safe_load(text())["services"]


def test_compose_takes_it(reader):
    read = reader.from_yaml(text())
    read.validate()  # what is named is there
    assert sorted(read.service_names()) == sorted([*OURS, "postgres", "valkey"])


@pytest.mark.parametrize(
    ("right", "wrong", "words"),
    [
        ("read_only: true", "readonly: true", "readonly"),
        ("condition: service_healthy", "condition: healthy", "unknown variant `healthy`"),
        ("secrets: [store_password]", "secrets: [password]", "password"),
        ("networks: [inside]", "networks: [indoors]", "indoors"),
    ],
)
def test_the_reader_sees_what_compose_would_not_take(right, wrong, words, reader):
    assert right in text()
    with pytest.raises(ValueError, match=words):
        reader.from_yaml(text().replace(right, wrong)).validate()


def test_nobody_but_this_machine_reaches_it(services):
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert ports != []
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []
    assert {name for name, service in services.items() if service["networks"] == ["inside"]} == {
        "postgres",
        "valkey",
        "migrate",
    }
    assert yaml.safe_load(text())["networks"]["inside"] == {"internal": True}


@pytest.mark.parametrize("name", OURS)
def test_a_process_has_no_more_rights_than_it_needs(name, services):
    service = services[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["deploy"]["resources"]["limits"]["memory"]
    assert not service.keys() & {"privileged", "cap_add", "network_mode", "pid", "ipc", "user", "volumes"}


def test_a_secret_is_a_file_and_an_image_a_version(services):
    told = {name: value for one in services.values() for name, value in one.get("environment", {}).items()}
    secrets = {name: value for name, value in told.items() if "PASSWORD" in name}
    assert len(secrets) == 2
    assert {value.removeprefix("file:").rpartition("/")[0] for value in secrets.values()} == {"/run/secrets"}
    images = [one["image"].rpartition(":") for one in services.values()]
    assert [image for image, colon, tag in images if not colon or tag == "latest"] == []


def test_what_others_wait_for_is_looked_after(services):
    waited = {name: each["condition"] for one in services.values() for name, each in one.get("depends_on", {}).items()}
    assert waited == {
        "migrate": "service_completed_successfully",
        "postgres": "service_healthy",
        "valkey": "service_started",  # may be lost: mail does not wait for it
    }
    assert {name for name, one in services.items() if "healthcheck" in one} == {"api", "worker", "postgres", "valkey"}


def test_a_container_is_given_the_time_that_a_graceful_stop_takes(services):
    for name in OURS:
        assert int(services[name]["stop_grace_period"].removesuffix("s")) >= 2 * (REQUESTS_END_S + DRAIN_S)


def test_the_sandbox_comes_only_when_it_is_asked_for(services):
    assert [name for name, one in services.items() if "profiles" in one] == ["sandbox"]
    assert services["sandbox"]["profiles"] == ["sandbox"]


def test_the_accounts_are_at_the_sandboxes_ports(services):
    parsed = parse(services["sandbox"]["command"])
    text = (FOLDER / "everpost.toml").read_text()
    ports = {int(port) for port in re.findall(r'"http://sandbox:(\d+)"', text)}
    assert ports == {parsed.sendgrid_port, parsed.mailgun_port}
    assert services["sandbox"]["ports"] == [f"127.0.0.1:{parsed.control_port}:{parsed.control_port}"]


def parse(words):
    return cli._parsed(words)


def test_the_commands_are_those_of_the_command_line(services):
    parsed = {name: parse(services[name]["command"]) for name in OURS}
    assert parsed["api"].no_work
    assert str(parsed["worker"].config) == "everpost.toml"  # beside which the image starts it


@pytest.mark.parametrize("name", ["api", "worker"])
def test_a_process_understands_its_configuration(name, services, tmp_path):
    password = tmp_path / "store_password"
    password.write_text("open")
    told = {key: value.replace("/run/secrets", str(tmp_path)) for key, value in services[name]["environment"].items()}
    assert told.keys() <= VARIABLES.keys()
    settings = load(FOLDER / "everpost.toml", told, PROVIDERS)
    assert isinstance(settings, Settings), settings
    listening = settings.http if name == "api" else settings.work
    assert f"http://127.0.0.1:{listening.port}/readyz" in services[name]["healthcheck"]["test"][-1]
