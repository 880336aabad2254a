"""everpost.toml and EVERPOST_* read into one frozen value, or into the list of everything that is wrong with them."""

from everpost.settings.load import data_folder, load
from everpost.settings.values import (
    ConfigFault,
    DynamoStore,
    FileSink,
    HttpSettings,
    IamLogin,
    KinesisSink,
    MemoryWakeup,
    QueueWakeup,
    Retention,
    Secret,
    Settings,
    SinkPlace,
    SqliteStore,
    StdoutSink,
    StoreHealth,
    ValkeyHealth,
)

__all__ = [
    "ConfigFault",
    "DynamoStore",
    "FileSink",
    "HttpSettings",
    "IamLogin",
    "KinesisSink",
    "MemoryWakeup",
    "QueueWakeup",
    "Retention",
    "Secret",
    "Settings",
    "SinkPlace",
    "SqliteStore",
    "StdoutSink",
    "StoreHealth",
    "ValkeyHealth",
    "data_folder",
    "load",
]
