"""configuration.md: every key of everpost.toml and every environment variable."""

from typing import Final

from pages import markdown

from everpost.entrypoints.cli.client import VARIABLES as CLI_VARIABLES
from everpost.settings.key import Entries, Flag, Key, Number, Table, Text, Whole
from everpost.settings.keys import TABLES
from everpost.settings.load import VARIABLES

_OWN: Final = "accounts.NAME"
_ENDLESS: Final = 10**12  # a bound that only keeps out nonsense
_SECRETS: Final = (
    'A value of an account\'s settings that starts with `$` is taken from the environment (`"$MAILGUN_API_KEY"`), one '
    "that starts with `file:` from a file. A secret that starts with `ssm:/` or `secretsmanager:` is "
    "[kept by AWS](../operating.md#secrets). A key that nobody knows is a fault, told with the nearest known one."
)


def page() -> str:
    return markdown.page(
        "Configuration",
        "`everpost serve` reads one file, `everpost.toml`, and `everpost check` finds every fault in it at once. "
        "[everpost.example.toml](../../everpost.example.toml) is a whole one to start from.",
        _SECRETS,
        *(_table(path, table) for path, table in TABLES.items()),
        "## Environment variables",
        "These go over the file:",
        markdown.table(("variable", "key", "meaning"), _variables()),
        "These are read by commands that talk to a running server:",
        markdown.table(("variable", "meaning"), [(markdown.code(name), told) for name, told in CLI_VARIABLES.items()]),
    )


def _table(path: str, table: Table) -> str:
    title = "The top of the file" if not path else f"[{path}]"
    own = " The provider's own settings stand beside these keys: see [providers](providers.md)." if path == _OWN else ""
    rows = [(markdown.code(key.name), value(key), default(key), key.help) for key in table.keys]
    described = markdown.table(("key", "value", "default", "meaning"), rows)
    return f"## {title}\n\n{table.help}{own}\n\n{described}"


def value(key: Key) -> str:
    match key:
        case Entries(of=of):
            return f"list of {of}"
        case Flag():
            return "true or false"
        case Text(choices=choices) if choices:
            return " or ".join(markdown.code(f'"{choice}"') for choice in choices)
        case Text():
            return "text"
        case Whole(low=low, high=high):
            return f"whole number, {low} or more" if high >= _ENDLESS else f"whole number, {low} to {high}"
        case Number(low=low, high=high):
            return f"number, {low:g} to {_plain(high)}"


def default(key: Key) -> str:
    match key:
        case Entries(default=words):
            return words
        case Text(required=True):
            return "required"
        case Text(default=str(text)):
            return markdown.code(f'"{text}"')
        case Flag():
            return markdown.code("true" if key.default else "false")
        case _ if key.default is None:
            return ""
        case _:
            return markdown.code(_plain(float(key.default)))


def _plain(number: float) -> str:
    return f"{number:.0f}" if number == int(number) else f"{number:g}"


def _variables() -> list[tuple[str, str, str]]:
    keys = {f"{path}.{key.name}".removeprefix("."): key for path, table in TABLES.items() for key in table.keys}
    return [
        (markdown.code(variable), markdown.code(key), _commas(keys[key])) for variable, (key, _) in VARIABLES.items()
    ]


def _commas(key: Key) -> str:
    return f"{key.help} Separated by commas." if isinstance(key, Entries) else key.help
