"""A wrong value is refused before anything is made, in words that say what is wrong and where."""

import json
import re
import textwrap

import pytest
import yaml

from deploy.helm import chart

PLAIN = '[accounts.relay]\nprovider = "smtp"\nhost = "smtp.example.com"\n'
REFUSED = {
    "image.repository is missing": {"image": {"repository": ""}},
    "image.tag is latest": {"image": {"tag": "latest"}},
    "at '/image/digest': 'sha256:12' does not match": {"image": {"digest": "sha256:12"}},
    "store.url is missing": {"store": {"url": ""}},
    'store.url is "sqlite": pods share no disk': {"store": {"url": "sqlite"}},
    'store.url is "dynamodb:mail"': {"store": {"url": "dynamodb:mail"}},
    "put it into a Secret, and name that as store.passwordSecret": {"store": {"url": "postgres://ann:pw@db/mail"}},
    "a user, a host and a database are needed": {"store": {"url": "postgres://db.internal/mail"}},
    'health.url is "memory"': {"health": {"url": "memory"}},
    "health.url holds a password": {"health": {"url": "valkeys://:pw@valkey:6379"}},
    'wakeup.url is "sqs:https://sqs/q"': {"wakeup": {"url": "sqs:https://sqs/q"}},
    "config is missing": {"config": " \n"},
    "config sets `store`": {"config": f'store = "sqlite"\n{PLAIN}'},
    "config sets `store_password`": {"config": f'store_password = "$PASSWORD"\n{PLAIN}'},
    "config sets `data`": {"config": f'# first\n  data="/var/lib/everpost"\n{PLAIN}'},
    "config holds a secret in `password`": {"config": f'{PLAIN}password = "open"\n'},
    "config holds a secret in `lookup_api_key`": {"config": f"{PLAIN}lookup_api_key='SG.open'\n"},
    "config holds a secret in `api_key`": {"config": f'{PLAIN}api_key = "$ONE"\n[accounts.b]\napi_key = "file"\n'},
    "ingress.hosts is empty": {"ingress": {"enabled": True}},
    "at '/ingress/hosts/0': 'https://mail' does not match": {"ingress": {"hosts": ["https://mail"]}},
    "at '/service/type': value must be one of 'ClusterIP'": {"service": {"type": "ExternalName"}},
    "at '/service/port': maximum: got 65,536": {"service": {"port": 65_536}},
    "at '/logLevel': value must be one of 'debug'": {"logLevel": "loud"},
    "at '/api/replicas': got string, want integer": {"api": {"replicas": "2"}},
    "at '/worker/replicas': minimum: got 0, want 1": {"worker": {"replicas": 0}},
    "api.scaling.min is 11, more than api.scaling.max, which is 10": {"api": {"scaling": {"min": 11}}},
    "at '/api/resources': missing property 'limits'": {"api": {"resources": {"limits": None}}},
    "at '/worker/resources/limits': missing property 'memory'": {"worker": {"resources": {"limits": {"memory": None}}}},
    "worker.scaling needs monitoring.enabled": {"worker": {"scaling": {"enabled": True}}},
    "worker.scaling.prometheusUrl is missing": {
        "worker": {"scaling": {"enabled": True, "by": "keda"}},
        "monitoring": {"enabled": True},
    },
    "at '/secrets/files/0': 'Mail Keys' does not match": {"secrets": {"files": ["Mail Keys"]}},
    "at '/secrets/environment/0': got object, want string": {"secrets": {"environment": [{"name": "keys"}]}},
    "at '/networkPolicy/store/0': additional properties 'cidr'": {"networkPolicy": {"store": [{"cidr": "10.0.0.0/8"}]}},
    "at '/networkPolicy/outboundPorts/0': got string": {"networkPolicy": {"outboundPorts": ["443"]}},
    "additional properties 'replicaCount' not allowed": {"replicaCount": 3},
    "at '/store': additional properties 'password' not allowed": {"store": {"password": "open"}},
}
"""By what Helm says."""


@pytest.mark.parametrize("words", REFUSED)
def test_a_wrong_value_is_refused_by_name(words):
    assert words in chart.refusal(chart.values(**REFUSED[words]))


def test_the_values_of_these_tests_are_taken():
    assert [chart.refusal(chart.values(name)) for name in chart.NAMES] == [""] * len(chart.NAMES)


@pytest.mark.parametrize(
    "form", ["$NAME", "file:/run/secrets/everpost/a/b", "ssm:/mail/key", "secretsmanager:mail#key"]
)
def test_a_secret_that_is_named_may_stand_in_the_configuration(form):
    assert chart.refusal(chart.values(config=f'{PLAIN}password = "{form}"\n')) == ""


def test_what_the_guide_shows_can_be_installed_as_it_stands():
    guide = (chart.ROOT / "docs" / "kubernetes.md").read_text()
    blocks = dict(re.findall(r"^ +```(yaml|toml)\n(.*?)^ +```", guide, re.MULTILINE | re.DOTALL))
    given = yaml.safe_load(blocks["yaml"].replace("…", 64 * "0"))
    assert chart.refusal(given | {"config": textwrap.dedent(blocks["toml"])}) == ""
    assert given["store"]["url"].startswith("postgres://")


def sections(schema, definitions, path=""):
    """Every table of the schema, with its place."""
    schema = definitions[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    if "properties" in schema:
        yield path, schema
        for name, below in schema["properties"].items():
            yield from sections(below, definitions, f"{path}.{name}" if path else name)


def test_the_schema_knows_every_default_and_nothing_else():
    schema = json.loads((chart.CHART / "values.schema.json").read_text())
    defaults = yaml.safe_load((chart.CHART / "values.yaml").read_text())
    for path, section in sections(schema, schema["definitions"]):
        assert section["additionalProperties"] is False, path
        found = defaults
        for name in filter(None, path.split(".")):
            found = found.get(name) if isinstance(found, dict) else None
        if path and found == {}:  # free-form by design
            continue
        assert found is None or set(found) == set(section["properties"]) - {"global"}, path


def paths(table, path=""):
    for name, value in table.items():
        here = f"{path}.{name}" if path else name
        if isinstance(value, dict) and value and name != "resources" and not name.endswith("Secret"):
            yield from paths(value, here)
        else:
            yield here, value


def test_the_readme_lists_every_value_with_its_default():
    defaults = dict(paths(yaml.safe_load((chart.CHART / "values.yaml").read_text())))
    listed = dict(
        re.findall(r"^\| `([\w.]+)` \| `?([^|]*?)`? \|", (chart.CHART / "README.md").read_text(), re.MULTILINE)
    )
    assert list(listed) == list(defaults)
    assert {name: yaml.safe_load(text) for name, text in listed.items()} == defaults
