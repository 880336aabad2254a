"""The command line. Each command's module is imported only when that command is called."""

import argparse
import importlib
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Final

from everpost import __version__
from everpost.entrypoints.cli.command import FAILED, OK, USAGE, Command, Stop
from everpost.entrypoints.cli.screen import Screen

COMMANDS: Final[Mapping[str, tuple[str, str]]] = {
    "dev": ("servers", "start everything on this machine: server, sandbox providers, inbox"),
    "serve": ("servers", "start the server for production"),
    "work": ("servers", "hand over what is due, without an API: beside servers that do not work"),
    "sandbox": ("servers", "start the sandbox providers alone"),
    "send": ("mail", "hand in a mail"),
    "show": ("mail", "tell the story of one mail"),
    "accounts": ("control", "list the accounts, their health and their quota"),
    "use": ("control", "make an account the default one"),
    "probe": ("steering", "try an account's credentials, sending nothing"),
    "pause": ("steering", "take an account out of all routes"),
    "resume": ("steering", "put an account back into its places"),
    "explain": ("steering", "tell where a mail would go, and why"),
    "events": ("control", "print the audit trail"),
    "erase": ("control", "take a recipient out of all mails"),
    "templates": ("templates", "keep templates of mails, and see what they become"),
    "webhooks": ("webhooks", "have events posted to addresses of yours"),
    "backfill": ("backfill", "ask a provider for the events that its webhooks missed"),
    "keys": ("keys", "create, list and revoke API keys"),
    "suppressions": ("suppressions", "see and change who must not be written to, here and at the providers"),
    "migrate": ("migrate", "bring the database (PostgreSQL) to the schema of this version"),
    "check": ("check", "find every fault of the configuration, and try the credentials"),
    "demo": ("demo", "send mail while a provider fails, and count what arrives"),
    "drill": ("drill", "send mail through a scripted outage, and report it with charts"),
}
"""By name: the module, and what the command does."""

INTERRUPTED: Final = 130  # 128 + SIGINT, as shells have it
_EPILOG: Final = f"""\
exit codes: {OK} done; {FAILED} it failed, and the message says why; {USAGE} wrong usage or configuration
environment: EVERPOST_URL and EVERPOST_KEY stand for --url and --key; NO_COLOR turns colours off
with --json, the answer (or {{"error": ...}}) is on standard output and nothing else
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code."""
    args = _parsed(list(sys.argv[1:] if argv is None else argv))
    command: Command = args.command
    screen = Screen(sys.stdout, as_json=args.json)
    try:
        code = command.run(args, screen)
        sys.stdout.flush()
    except Stop as stop:
        screen.fail(stop, sys.stderr)
        return stop.code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # `everpost events | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python's own flush at exit complains
        return OK
    return code


def _parsed(words: Sequence[str]) -> argparse.Namespace:
    """Ends the process where nothing is to be run: with an error, or after the help that was asked for."""
    parser, below = _parsers(words)
    if not words:
        parser.print_help(sys.stderr)
        parser.exit(USAGE)
    args, unknown = parser.parse_known_args(words)
    if unknown:  # argparse itself would show how `everpost` is called, not the command
        below.error(f"unrecognized arguments: {' '.join(unknown)}")
    return args


def _parsers(words: Sequence[str]) -> tuple[argparse.ArgumentParser, argparse.ArgumentParser]:
    """The whole one, and that of the command that is called."""
    parser = argparse.ArgumentParser(
        prog="everpost",
        description="One email API in front of every email provider.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"everpost {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    own = parser
    called = next((word for word in words if not word.startswith("-")), "")
    for name, (module, summary) in COMMANDS.items():
        below = commands.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
        if name == called:
            command: Command = importlib.import_module(f"{__name__}.{module}").COMMANDS[name]
            command.arguments(below)
            below.add_argument("--json", action="store_true", help="print JSON, for programs")
            below.set_defaults(command=command)
            own = below
    return parser, own
