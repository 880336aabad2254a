"""The pods run what Everpost has, and tell it what it understands."""

import re
import tomllib

import pytest

from deploy.helm import chart
from everpost import __version__
from everpost.engine.engine import DRAIN_S
from everpost.entrypoints import cli
from everpost.entrypoints.http.other_operations import VITALS
from everpost.entrypoints.server import REQUESTS_END_S
from everpost.model.limits import BODIES_BYTES_MAX
from everpost.settings import Settings, load, store_place
from everpost.settings.load import VARIABLES
from everpost.wiring import PROVIDERS

PROCESS_BYTES = 128 * 1024**2  # without any
MARGIN_S = 10  # of a node that is busy while a pod stops


@pytest.fixture(scope="module", params=chart.NAMES)
def made(request):
    return chart.objects(chart.values(request.param))


def containers(made):
    return {name: pod["containers"][0] for name, pod in chart.pods(made)}


def told(container):
    """Its environment; a secret's value is made up."""
    return {one["name"]: one.get("value", "secret") for one in container["env"]}


def configured(made, folder):
    """The ConfigMap as the pods see it, with the files that it names."""
    text = chart.of("ConfigMap", made)[""]["data"]["everpost.toml"]
    (folder / "key").write_text("SG.test")
    file = folder / "everpost.toml"
    file.write_text(text.replace("/run/secrets/everpost/sendgrid", str(folder)))
    return file


def test_the_chart_is_of_this_version():
    about = chart.helm().Chart.load(chart.CHART).metadata
    assert (about["version"], about["appVersion"]) == (__version__, __version__)


def test_the_commands_are_those_of_the_command_line(made):
    words = {name: one["args"] for name, one in containers(made).items()}
    parsed = {name: cli._parsed(each) for name, each in words.items()}
    assert {name: one.command for name, one in parsed.items()}
    assert parsed["api"].no_work
    assert {str(parsed[name].config) for name in ("api", "worker")} == {"/etc/everpost/everpost.toml"}


@pytest.mark.parametrize("part", ["api", "worker"])
def test_a_pod_understands_its_configuration(part, made, tmp_path):
    environ = told(containers(made)[part]) | {"MAILGUN_API_KEY": "key-test"}
    settings = load(configured(made, tmp_path), environ, PROVIDERS)
    assert isinstance(settings, Settings), settings
    assert settings.warnings == ()
    listening = settings.http if part == "api" else settings.work
    assert (listening.host, [listening.port]) == (
        "0.0.0.0",
        [port["containerPort"] for port in containers(made)[part]["ports"]],
    )


def test_a_migration_finds_the_store_without_a_configuration(tmp_path):
    made = chart.objects(chart.values("most"))
    places = [store_place(tmp_path / "none.toml", told(one)) for one in containers(made).values()]
    assert len({str(place) for place, _data in places}) == 1


def test_every_variable_is_one_that_everpost_knows(made):
    variables = {name for one in containers(made).values() for name in told(one)}
    assert variables <= VARIABLES.keys()


def test_probes_ask_what_is_there(made):
    asked = {
        (one[kind]["httpGet"]["path"], one[kind]["httpGet"]["port"])
        for name, one in containers(made).items()
        if name != "migrate"
        for kind in ("startupProbe", "livenessProbe", "readinessProbe")
    }
    assert asked == {("/livez", "http"), ("/readyz", "http")}
    assert {path for path, _port in asked} <= {operation.path for operation in VITALS}


def test_a_pod_is_given_the_time_that_a_graceful_stop_takes(made):
    for pod in (pod for name, pod in chart.pods(made) if name != "migrate"):
        [one] = pod["containers"]
        leaving = float(one["lifecycle"]["preStop"]["exec"]["command"][1]) if "lifecycle" in one else 0.0
        assert pod["terminationGracePeriodSeconds"] >= leaving + REQUESTS_END_S + DRAIN_S + MARGIN_S


def test_a_pod_has_room_for_the_bodies_that_it_may_work_on(made):
    """Each is there as it came, as text, and decoded."""
    limits = {name: one["resources"]["limits"]["memory"] for name, one in containers(made).items() if name != "migrate"}
    assert limits == {"api": "1Gi", "worker": "1Gi"}
    assert 4 * BODIES_BYTES_MAX + PROCESS_BYTES <= 1024**3


def test_the_api_leaves_its_service_before_it_stops(made):
    assert containers(made)["api"]["lifecycle"]["preStop"] == {"exec": {"command": ["sleep", "5"]}}


def test_the_chart_knows_which_settings_are_secrets():
    checks = (chart.CHART / "templates" / "_checks.tpl").read_text()
    [alternatives] = re.findall(r"\\\\b\((\w+(?:\|\w+)*)\)\\\\s\*=", checks)
    secret = {one.name for provider in PROVIDERS.values() for one in provider.settings if one.secret}
    assert set(alternatives.split("|")) == secret


@pytest.mark.parametrize("name", chart.NAMES)
def test_the_configuration_comes_through_as_it_was_given(name):
    given = chart.values(name)
    text = chart.of("ConfigMap", chart.objects(given))[""]["data"]["everpost.toml"]
    assert text == given["config"]
    assert tomllib.loads(text)["accounts"]
