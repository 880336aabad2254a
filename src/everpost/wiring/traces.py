"""Whether traces are asked for, by OpenTelemetry's own variables, and who makes them."""

from collections.abc import Mapping
from typing import Final

from everpost import __version__
from everpost.traces.port import UNTRACED, Tracer

PROTOCOL: Final = "http/protobuf"
_ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS: Final = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")


def tracer_of(environ: Mapping[str, str]) -> Tracer:
    """Raises ValueError where traces are asked for and can't be made."""
    asked_by = _asked_by(environ)
    if asked_by is None:
        return UNTRACED
    for name in _PROTOCOLS:
        if environ.get(name, PROTOCOL) != PROTOCOL:
            raise ValueError(f"{name} is {environ[name]!r}: traces leave by {PROTOCOL}, usually to port 4318")
    try:
        from everpost.traces.otel import OtelTracer
    except ImportError as error:
        words = f"{asked_by} asks for traces, and OpenTelemetry is not installed: pip install 'everpost[otel]'"
        raise ValueError(words) from error
    return OtelTracer(__version__)


def _asked_by(environ: Mapping[str, str]) -> str | None:
    """The variable that asks for traces; None: nobody does."""
    if environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return None
    exporter = environ.get("OTEL_TRACES_EXPORTER", "")
    if exporter == "none":
        return None
    if exporter not in ("", "otlp"):
        raise ValueError(f"OTEL_TRACES_EXPORTER is {exporter!r}: traces leave by otlp, or none are made")
    return next((name for name in ("OTEL_TRACES_EXPORTER", *_ENDPOINTS) if environ.get(name)), None)
