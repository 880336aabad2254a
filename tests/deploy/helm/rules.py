"""What holds for everything that the chart makes: each rule tells what breaks it."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from deploy.helm.chart import pods

Objects = list[dict[str, Any]]
UID: Final = 10001  # of the image's user
OUTSIDE: Final = ("hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace")
MAY_BE_MOUNTED: Final = {"configMap", "emptyDir", "secret"}


def containers(found: Objects) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, pod in pods(found):
        yield from ((name, one) for one in [*pod.get("initContainers", []), *pod["containers"]])


def nobody_is_root(found: Objects) -> list[str]:
    wanted = {"runAsNonRoot": True, "runAsUser": UID, "runAsGroup": UID}
    return [name for name, pod in pods(found) if not wanted.items() <= pod["securityContext"].items()]


def system_calls_are_few(found: Objects) -> list[str]:
    wanted = {"type": "RuntimeDefault"}
    return [name for name, pod in pods(found) if pod["securityContext"].get("seccompProfile") != wanted]


def nothing_can_be_gained(found: Objects) -> list[str]:
    wanted = {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    return [name for name, one in containers(found) if one.get("securityContext") != wanted]


def the_node_is_out_of_reach(found: Objects) -> list[str]:
    faults = [f"{name} {key}" for name, pod in pods(found) for key in OUTSIDE if key in pod]
    for name, pod in pods(found):
        kinds = {key for volume in pod["volumes"] for key in volume if key != "name"}
        faults += [f"{name} {kind}" for kind in sorted(kinds - MAY_BE_MOUNTED)]
    ports = [(name, port) for name, one in containers(found) for port in one.get("ports", [])]
    return faults + [f"{name} hostPort" for name, port in ports if "hostPort" in port]


def the_cluster_is_out_of_reach(found: Objects) -> list[str]:
    faults = [name for name, pod in pods(found) if pod.get("automountServiceAccountToken") is not False]
    faults += [name for name, pod in pods(found) if pod.get("enableServiceLinks") is not False]
    return faults + [one["kind"] for one in found if one["kind"].endswith(("Role", "RoleBinding", "ServiceAccount"))]


def memory_is_bounded(found: Objects) -> list[str]:
    faults = [name for name, one in containers(found) if "memory" not in one["resources"].get("limits", {})]
    faults += [name for name, one in containers(found) if {"cpu", "memory"} - one["resources"]["requests"].keys()]
    scratch = [
        (name, volume["emptyDir"]) for name, pod in pods(found) for volume in pod["volumes"] if "emptyDir" in volume
    ]
    return faults + [name for name, one in scratch if "sizeLimit" not in one]


def an_image_is_a_version(found: Objects) -> list[str]:
    def is_one(image: str) -> bool:
        tag = image.rpartition("/")[2].partition(":")[2]
        return "@sha256:" in image or tag not in ("", "latest")

    return [name for name, one in containers(found) if not is_one(one["image"])]


def secrets_are_named(found: Objects) -> list[str]:
    """No Secret is made, and no value of a variable that would be one stands here."""
    faults = [one["kind"] for one in found if one["kind"] == "Secret"]
    for name, one in containers(found):
        told = {each["name"]: each for each in one.get("env", [])}
        faults += [f"{name} {key}" for key, each in told.items() if "PASSWORD" in key and "value" in each]
    return faults


def all_carry_the_labels(found: Objects) -> list[str]:
    wanted = {"name", "instance", "version", "managed-by"}
    have = [(one["kind"], one["metadata"].get("labels", {})) for one in found]
    return [kind for kind, labels in have if {f"app.kubernetes.io/{name}" for name in wanted} - labels.keys()]


def a_process_that_stays_is_looked_after(found: Objects) -> list[str]:
    probes = {"startupProbe", "livenessProbe", "readinessProbe"}
    staying = [one for one in found if one["kind"] == "Deployment"]
    return [name for name, one in containers(staying) if probes - one.keys()]


RULES: Final[Mapping[str, Callable[[Objects], list[str]]]] = {
    rule.__name__: rule
    for rule in (
        nobody_is_root,
        system_calls_are_few,
        nothing_can_be_gained,
        the_node_is_out_of_reach,
        the_cluster_is_out_of_reach,
        memory_is_bounded,
        an_image_is_a_version,
        secrets_are_named,
        all_carry_the_labels,
        a_process_that_stays_is_looked_after,
    )
}
