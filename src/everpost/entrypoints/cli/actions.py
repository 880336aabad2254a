"""Commands that are several actions on one kind of thing, of a running server: `everpost webhooks list`."""

from argparse import SUPPRESS, ArgumentParser, Namespace
from collections.abc import Callable, Iterator, Mapping

from everpost.entrypoints.cli.client import Client, connection_arguments
from everpost.entrypoints.cli.screen import Screen

Action = Callable[[Client, Namespace, Screen], int]
"""Returns the exit code."""


def action_parsers(
    parser: ArgumentParser, actions: Mapping[str, tuple[str, Action]]
) -> Iterator[tuple[str, ArgumentParser]]:
    """Each by its name, to be given what is its own; what all of them take comes behind that. `actions` says what each
    is for, and what runs it."""
    parsers = parser.add_subparsers(title="actions", required=True)
    for name, (help_, run) in actions.items():
        made: ArgumentParser = parsers.add_parser(name, help=help_)
        yield name, made
        connection_arguments(made)
        made.add_argument("--json", action="store_true", default=SUPPRESS, help="print JSON, for programs")
        made.set_defaults(action=run)


def run_action(args: Namespace, screen: Screen) -> int:
    run: Action = args.action
    return run(Client.of(args), args, screen)
