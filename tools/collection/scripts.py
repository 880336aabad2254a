"""The scripts of one request, in Postman's own words."""

import json
from collections.abc import Iterator
from typing import Any, Final

from collection.bodies import expression
from collection.scenario import Scenario

_ANSWER: Final = (
    'const answer = /json/.test(pm.response.headers.get("Content-Type")) ? pm.response.json() : pm.response.text();'
)


def before(scenario: Scenario) -> list[str]:
    skips = [f"if (!({need.value})) pm.execution.skipRequest();" for need in scenario.needs]
    return [*skips, *scenario.before]


def after(scenario: Scenario) -> list[str]:
    """Assertions, and what later requests need of the answer."""
    lines = [_status(scenario)]
    statements = dict(_statements(scenario))
    if statements or scenario.saves:
        lines.append(_ANSWER)
    lines += [f"pm.test({_text(sentence)}, () => {{ {statement} }});" for sentence, statement in statements.items()]
    lines += [f'pm.collectionVariables.set("{name}", {value});' for name, value in scenario.saves.items()]
    return lines


def _status(scenario: Scenario) -> str:
    statuses = list(scenario.statuses)
    words = " or ".join(map(str, statuses))
    return f'pm.test("it answers {words}", () => pm.expect(pm.response.code).to.be.oneOf({statuses}));'


def _statements(scenario: Scenario) -> Iterator[tuple[str, str]]:
    if scenario.code:
        yield f"the code is {scenario.code}", f'pm.expect(answer.code).to.eql("{scenario.code}");'
    if scenario.fields:
        names = json.dumps(scenario.fields)
        yield (
            f"it names {', '.join(scenario.fields)}",
            f"pm.expect(answer.errors.map((each) => each.field)).to.include.members({names});",
        )
    if scenario.tells:
        told = ", ".join(f'"{path}": {_value(value)}' for path, value in scenario.tells.items())
        yield f"it tells {', '.join(scenario.tells)}", f"pm.expect(answer).to.deep.nested.include({{ {told} }});"
    for name, pattern in scenario.answers.items():
        yield f"{name} is told", f'pm.expect(pm.response.headers.get("{name}")).to.match(/{_escaped(pattern)}/);'
    yield from scenario.checks.items()


def _value(value: Any) -> str:
    return expression(value) if isinstance(value, str) and "{{" in value else json.dumps(value, ensure_ascii=False)


def _text(sentence: str) -> str:
    return json.dumps(sentence, ensure_ascii=False)


def _escaped(pattern: str) -> str:
    return pattern.replace("/", "\\/")
