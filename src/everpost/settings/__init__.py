"""everpost.toml and EVERPOST_* read into one frozen value, or into the list of everything that is wrong with them."""

from everpost.model.secret import Secret
from everpost.settings.load import load, load_text, store_place
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
    Settings,
    SinkPlace,
    SqliteStore,
    StdoutSink,
    StoreHealth,
    StorePlace,
    ValkeyHealth,
    WebhookSettings,
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
    "StorePlace",
    "ValkeyHealth",
    "WebhookSettings",
    "load",
    "load_text",
    "store_place",
]
