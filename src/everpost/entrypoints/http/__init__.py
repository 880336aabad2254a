"""Room 1 over HTTP: `build_app` makes an ASGI application of what the other rooms offer."""

from everpost.entrypoints.http.app import build_app
from everpost.entrypoints.http.call import Services
from everpost.entrypoints.http.metrics import Metrics

__all__ = ["Metrics", "Services", "build_app"]
