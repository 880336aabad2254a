"""everpost.toml and EVERPOST_* read into one frozen value, or into the list of everything that is wrong with them."""

from everpost.model.secret import Secret
from everpost.settings.load import data_folder, load
from everpost.settings.values import ConfigFault, FileSink, HttpSettings, Retention, Settings, StdoutSink

__all__ = [
    "ConfigFault",
    "FileSink",
    "HttpSettings",
    "Retention",
    "Secret",
    "Settings",
    "StdoutSink",
    "data_folder",
    "load",
]
