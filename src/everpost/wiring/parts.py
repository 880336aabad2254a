"""One function for each port: opens what the settings name. What is not chosen is not imported."""

import os
from pathlib import Path
from typing import Final

from everpost import settings as config
from everpost.engine.queue import Call
from everpost.health.port import Health
from everpost.sinks.port import Sink
from everpost.store.port import Store, StoreUnavailable
from everpost.wiring.cloud import Cloud

STORE_FILE: Final = "everpost.db"
HEALTH_FILE: Final = "health.db"
DATA_MODE: Final = 0o700  # mail lies in there: for nobody but its owner


def store_of(settings: config.Settings, cloud: Cloud) -> Store:
    """Raises StoreUnavailable."""
    match settings.store:
        case config.SqliteStore():
            return open_store(settings.data)
        case config.DynamoStore():
            raise NotImplementedError(cloud)


def open_store(data: Path) -> Store:
    """The store in a folder, which is made where it is missing. Raises StoreUnavailable."""
    from everpost.store.sqlite import SqliteStore

    try:
        _make(data, DATA_MODE)
    except OSError as error:
        raise StoreUnavailable(f"the data folder {data} can't be made: {error.strerror}") from error
    return SqliteStore.open(str(data / STORE_FILE))


def health_of(settings: config.Settings, cloud: Cloud) -> Health:
    match settings.health:
        case config.ValkeyHealth():
            raise NotImplementedError(cloud)
        case config.StoreHealth():
            from everpost.health.sqlite import SqliteHealth

            return SqliteHealth.open(str(settings.data / HEALTH_FILE))


def call_of(settings: config.Settings, cloud: Cloud) -> Call:
    """What calls others for the deliveries that this process leaves to them."""
    match settings.wakeup:
        case config.MemoryWakeup():
            return _nobody
        case config.QueueWakeup():
            raise NotImplementedError(cloud)


async def _nobody(in_s: float) -> None:
    """They look by themselves."""


def sink_of(chosen: config.SinkPlace, cloud: Cloud) -> Sink:
    match chosen:
        case config.StdoutSink():
            from everpost.sinks.stdout import StdoutSink

            return StdoutSink()
        case config.FileSink():
            from everpost.sinks.file import FileSink

            return FileSink(str(chosen.path))
        case config.KinesisSink():
            raise NotImplementedError(cloud)


def _make(folder: Path, mode: int = 0o777) -> None:
    """A folder, and those above it, that a power cut does not take away with all that was synced in it."""
    if folder.is_dir():
        return
    _make(folder.parent)
    folder.mkdir(exist_ok=True, mode=mode)
    above = os.open(folder.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(above)
    finally:
        os.close(above)
