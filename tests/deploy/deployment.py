"""deploy/aws applied to an AWS on loopback that runs the functions for real."""

import http.client
import json
import re
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from deploy import terraform

HERE = Path(__file__).parent / "emulated"
APPLY_S = 900


@dataclass(frozen=True)
class Answer:
    status: int
    body: dict
    headers: dict[str, str]


@dataclass
class Deployment:
    """A folder with a state, and the address of the AWS that it was applied to."""

    folder: Path
    endpoint: str
    variables: dict[str, str]
    outputs: dict = field(default_factory=dict)

    def terraform(self, *arguments: str):
        given = [f"-var={name}={value}" for name, value in self.variables.items()]
        return terraform.run(self.folder, *arguments, *given, timeout=APPLY_S)

    def apply(self) -> None:
        done = self.terraform("apply", "-auto-approve", "-no-color")
        assert done.returncode == 0, done.stderr
        told = terraform.run(self.folder, "output", "-json")
        self.outputs = json.loads(told.stdout)["everpost"]["value"]

    def drift(self) -> dict[str, set[str]]:
        """What a second plan would change, though nothing was changed: attributes by kind of resource."""
        planned = self.terraform("plan", "-out=again", "-no-color")
        assert planned.returncode == 0, planned.stderr
        plan = json.loads(terraform.run(self.folder, "show", "-json", "again").stdout)
        found: dict[str, set[str]] = {}
        for change in plan["resource_changes"]:
            if change["change"]["actions"] != ["no-op"]:
                before, after = change["change"]["before"] or {}, change["change"]["after"] or {}
                names = {name for name in before | after if before.get(name) != after.get(name)}
                found.setdefault(change["type"], set()).update(names)
        return found

    def destroy(self) -> list[str]:
        """What is left of it."""
        done = self.terraform("destroy", "-auto-approve", "-no-color")
        assert done.returncode == 0, done.stderr
        return terraform.run(self.folder, "state", "list").stdout.split()

    def original(self, method: str, operation: str, body: dict | None = None, **headers: str) -> Answer:
        """Through the REST API: its id stands in the host's name, its stage in the path."""
        stage = self.outputs["ids"]["stage"]
        return self._call("original", method, f"/{stage}/{operation}", body, headers)

    def native(self, method: str, path: str, body: dict | None = None, **headers: str) -> Answer:
        return self._call("native", method, path, body, headers)

    def host(self, gateway: str) -> str:
        """The name by which `original` or `native` is found."""
        return f"{self.outputs['ids'][gateway]}.execute-api.localhost"

    def _call(self, gateway: str, method: str, path: str, body: dict | None, headers: dict[str, str]) -> Answer:
        host, port = re.fullmatch(r"http://([\d.]+):(\d+)", self.endpoint).groups()
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        with closing(http.client.HTTPConnection(host, int(port), timeout=60)) as connection:
            connection.request(
                method,
                path,
                json.dumps(body) if body is not None else None,
                {"Host": self.host(gateway), "Content-Type": "application/json", **sent},
            )
            answer = connection.getresponse()
            text = answer.read().decode()
            held = {name.lower(): value for name, value in answer.getheaders()}
        is_json = text and "json" in held.get("content-type", "")
        return Answer(answer.status, json.loads(text) if is_json else {}, held)


def prepared(folder: Path, endpoint: str, **variables: str) -> Deployment:
    """Beside a copy of deploy/aws, as the root module names it."""
    place = terraform.copied(folder / "repository").parent / "emulated"
    place.mkdir()
    (place / "main.tf").write_text((HERE / "main.tf").read_text())
    terraform.initialised(place)
    return Deployment(place, endpoint, {"endpoint": endpoint, **variables})
