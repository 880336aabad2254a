"""dev, serve, work, sandbox: the processes that stay."""

import asyncio
import errno
import ipaddress
import json
import os
import re
import socket
import sys
from argparse import SUPPRESS, ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Coroutine
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import uvloop

from everpost import logs, wiring
from everpost.entrypoints import laptop, server
from everpost.entrypoints.cli.check import CONFIG, faults_stop
from everpost.entrypoints.cli.command import OK, Command, Stop, whole
from everpost.entrypoints.cli.screen import Screen
from everpost.entrypoints.metrics.together import SHARED
from everpost.entrypoints.processes import PROCESSES_MAX, NotStarted, Place, Processes, open_listener
from everpost.entrypoints.server import LOOPBACK
from everpost.sandbox.sandbox import APIS, PORTS
from everpost.settings import Settings, load
from everpost.store.port import StoreUnavailable

PORT_MAX: Final = 65_535
_MODULE: Final = "everpost.entrypoints.cli"
_ADDRESS: Final = re.compile(r"\('([^']+)', (\d+)")


class _Sayer:
    """What a server has to say to whoever started it; with --json, one object a line."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen

    def __call__(self, text: str) -> None:
        self._screen.say(json.dumps({"said": text}) if self._screen.as_json else text)


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > PORT_MAX:
        raise ArgumentTypeError(f"{text!r} is not a port: a number from 0 (any free one) to {PORT_MAX}")
    return int(text)


def _port_argument(parser: ArgumentParser, option: str, usual: int | None, words: str) -> None:
    parser.add_argument(option, type=_port, default=usual, metavar="PORT", help=words)


def _host(text: str) -> str:
    try:
        return str(ipaddress.ip_address(LOOPBACK if text == "localhost" else text))
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not an IP address of this machine, as 127.0.0.1 or 0.0.0.0") from None


def _dev_arguments(parser: ArgumentParser) -> None:
    usual = laptop.DevOptions()
    words = "other than loopback: API keys are needed"
    parser.add_argument("--host", type=_host, default=usual.host, metavar="IP", help=words)
    _port_argument(parser, "--port", usual.port, f"HTTP (default: {usual.port})")
    _port_argument(parser, "--smtp-port", usual.smtp_port, f"the sandbox's SMTP server (default: {usual.smtp_port})")
    words = f"SMTP that takes mail as the API does (default: {laptop.SUBMISSION_PORT}, or any free one)"
    _port_argument(parser, "--submission-port", None, words)
    parser.add_argument("--data", type=Path, default=usual.data, metavar="DIR", help=f"default: {usual.data}")
    words = "an account at this sandbox provider, too, after the usual ones; may be given several times"
    parser.add_argument("--with", action="append", default=[], choices=sorted(APIS), dest="more", help=words)
    _port_argument(parser, "--control-port", usual.control_port, SUPPRESS)
    parser.add_argument("--answer-timeout", type=float, default=usual.answer_timeout_s, help=SUPPRESS)
    parser.add_argument("--lookup-lag", type=float, default=usual.lookup_lag_s, help=SUPPRESS)
    parser.add_argument("--log-level", default="warning", choices=("debug", "info", "warning", "error"))


def _dev(args: Namespace, screen: Screen) -> int:
    logs.configure(args.log_level)
    options = laptop.DevOptions(
        port=args.port,
        smtp_port=args.smtp_port,
        submission_port=args.submission_port,
        control_port=args.control_port,
        data=args.data,
        host=args.host,
        answer_timeout_s=args.answer_timeout,
        lookup_lag_s=args.lookup_lag,
        more=tuple(args.more),
    )
    return _run(laptop.run_dev(options, _Sayer(screen)))


def _config_argument(parser: ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, default=CONFIG, metavar="FILE", help=f"default: {CONFIG}")


def _serve_arguments(parser: ArgumentParser) -> None:
    _config_argument(parser)
    parser.add_argument(
        "--no-work", action="store_true", help="hand over only what callers wait for; `everpost work` does the rest"
    )
    parser.add_argument(
        "--processes",
        type=whole(1, PROCESSES_MAX),
        default=1,
        metavar="N",
        help="so many at the same port (default: 1)",
    )
    parser.add_argument("--listener", type=int, help=SUPPRESS)  # what a process of several has inherited
    parser.add_argument("--parent", type=int, help=SUPPRESS)


def _serve(args: Namespace, screen: Screen) -> int:
    say = _Sayer(screen)
    if args.listener is not None:
        place = Place.inherited(args.listener, args.parent)
        return _run(server.run_server(_settings(args), say, works=not args.no_work, place=place))
    settings = _settings(args, say)
    if args.processes == 1:
        return _run(server.run_server(settings, say, works=not args.no_work))
    return _run(_serve_by_many(args, settings, say))


async def _serve_by_many(args: Namespace, settings: Settings, say: _Sayer) -> None:
    words = [sys.executable, "-m", _MODULE, "serve", "--config", str(args.config)]
    stop = server.stop_signal()
    with (
        open_listener(settings.http.host, settings.http.port) as listener,
        TemporaryDirectory(prefix="everpost-metrics-") as shared,
    ):
        environ = {**os.environ, SHARED: shared}
        processes = Processes([*words, "--no-work"] if args.no_work else words, environ, listener)
        told = f"Everpost listens on {server.url_of(settings.http)}, in {args.processes} processes"
        await processes.run(args.processes, stop, lambda: say(told))


def _work(args: Namespace, screen: Screen) -> int:
    say = _Sayer(screen)
    return _run(server.run_worker(_settings(args, say), say))


def _settings(args: Namespace, say: _Sayer | None = None) -> Settings:
    """Those of a process that begins to log. What is doubtful is said once, by the one who was started by hand."""
    settings = load(args.config, os.environ, wiring.PROVIDERS)
    if isinstance(settings, list):
        raise faults_stop(settings)
    logs.configure(settings.log_level)
    if say is not None:
        for warning in settings.warnings:
            say(f"warning: {warning.key} {warning.message}")
    return settings


def _sandbox_arguments(parser: ArgumentParser) -> None:
    words = "other than loopback: whoever gets there reads its mail"
    parser.add_argument("--host", type=_host, default=LOOPBACK, metavar="IP", help=words)
    for name, port in PORTS.items():
        _port_argument(parser, f"--{name}-port", port, f"default: {port}")


def _sandbox(args: Namespace, screen: Screen) -> int:
    logs.configure("warning")
    return _run(laptop.run_sandbox(_Sayer(screen), args.host, {name: getattr(args, f"{name}_port") for name in PORTS}))


def _run(serving: Coroutine[Any, Any, None]) -> int:
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serving)
    except OSError as error:  # a port is taken, a folder may not be written
        raise _not_started(error) from None
    except StoreUnavailable as error:
        raise Stop(f"can't open the store: {error}") from None
    except NotStarted as error:
        raise Stop(str(error), "the log lines above say why", error.code) from None
    except wiring.PartUnavailable as error:
        raise Stop(f"can't start: {error}") from None
    return OK


def _not_started(error: OSError) -> Stop:
    """Python names the address that can't be had in the midst of its words."""
    if isinstance(error, socket.gaierror):
        hint = "listen on an address of this machine: `host` in [http], [work] or [submission]"
        return Stop(f"can't start: a host to listen on is unknown: {error.strerror}", hint)
    address = _ADDRESS.search(str(error))
    if error.errno != errno.EADDRINUSE or address is None:
        return Stop(f"can't start: {error.strerror or error}")
    host, port = address.groups()
    return Stop(f"can't start: port {port} of {host} is in use", "is it running already? If not, give it another port")


COMMANDS: Final = {
    "dev": Command(_dev_arguments, _dev),
    "serve": Command(_serve_arguments, _serve),
    "work": Command(_config_argument, _work),
    "sandbox": Command(_sandbox_arguments, _sandbox),
}
