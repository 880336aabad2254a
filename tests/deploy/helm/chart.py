"""The chart, rendered by Helm itself as a library: no cluster, no network."""

import copy
import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

from system_parts import missing

ROOT: Final = Path(__file__).resolve().parents[3]
CHART: Final = ROOT / "deploy" / "helm" / "everpost"
VALUES: Final = Path(__file__).parent / "values"
NAMES: Final = sorted(file.stem for file in VALUES.glob("*.yaml"))
RELEASE: Final = "everpost"
NAMESPACE: Final = "mail"


def helm() -> Any:
    if importlib.util.find_spec("helm_python") is None:
        missing("helm_python is not installed: it comes with the dependency group `server`")
    import helm_python  # noqa: PLC0415 - where it is missing, the tests say so

    return helm_python


def values(name: str = "least", **changed: Any) -> dict[str, Any]:
    """A file of values, with some of them changed: `store={"url": …}` changes one key of `store`."""
    return merged(yaml.safe_load((VALUES / f"{name}.yaml").read_text()), changed)


def merged(under: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    result = copy.deepcopy(under)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merged(result[key], value) if both else value
    return result


def rendered(given: dict[str, Any], release: str = RELEASE) -> dict[str, str]:
    """What Helm makes of it, by template."""
    by_path = helm().Chart.load(CHART).render(given, name=release, namespace=NAMESPACE)
    return {Path(path).name: text for path, text in by_path.items()}


def objects(given: dict[str, Any], release: str = RELEASE) -> list[dict[str, Any]]:
    texts = (text for name, text in rendered(given, release).items() if name.endswith(".yaml"))
    return [one for text in texts for one in yaml.safe_load_all(text) if one]


def of(kind: str, found: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The objects of one kind, by their names without the release's."""
    return {one["metadata"]["name"].removeprefix(RELEASE).lstrip("-"): one for one in found if one["kind"] == kind}


def pods(found: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The specifications of pods, each with the name of what makes them."""
    for one in found:
        if one["kind"] in ("Deployment", "Job"):
            yield one["metadata"]["name"].removeprefix(f"{RELEASE}-"), one["spec"]["template"]["spec"]


def refusal(given: dict[str, Any]) -> str:
    """What Helm says when it does not take these values; empty: it does."""
    try:
        rendered(given)
    except helm().HelmError as error:
        return str(error)
    return ""
