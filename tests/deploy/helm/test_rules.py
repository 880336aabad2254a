"""Pods have no more rights than they need, whatever the values say."""

import copy

import pytest

from deploy.helm import chart
from deploy.helm.rules import RULES


def pod(found):
    return next(one for one in found if one["kind"] == "Deployment")["spec"]["template"]["spec"]


def container(found):
    return pod(found)["containers"][0]


BREACHES = {
    "nobody_is_root": lambda found: pod(found)["securityContext"].update(runAsUser=0),
    "system_calls_are_few": lambda found: pod(found)["securityContext"].pop("seccompProfile"),
    "nothing_can_be_gained": lambda found: container(found)["securityContext"].pop("readOnlyRootFilesystem"),
    "the_node_is_out_of_reach": lambda found: pod(found)["volumes"].append({"name": "x", "hostPath": {"path": "/"}}),
    "the_cluster_is_out_of_reach": lambda found: pod(found).pop("automountServiceAccountToken"),
    "memory_is_bounded": lambda found: container(found)["resources"].pop("limits"),
    "an_image_is_a_version": lambda found: container(found).update(image="ghcr.io:443/example/everpost"),
    "secrets_are_named": lambda found: container(found)["env"].append({"name": "A_PASSWORD", "value": "open"}),
    "all_carry_the_labels": lambda found: found[0]["metadata"].pop("labels"),
    "a_process_that_stays_is_looked_after": lambda found: container(found).pop("livenessProbe"),
}
"""One way to break each rule."""


@pytest.fixture(scope="module")
def made():
    return {name: chart.objects(chart.values(name)) for name in chart.NAMES}


@pytest.mark.parametrize("name", chart.NAMES)
@pytest.mark.parametrize("rule", RULES)
def test_the_rule_holds(rule, name, made):
    assert RULES[rule](made[name]) == []


@pytest.mark.parametrize("rule", RULES)
def test_the_rule_can_be_broken(rule, made):
    broken = copy.deepcopy(made["most"])
    BREACHES[rule](broken)
    assert RULES[rule](broken) != []
