"""The settings file: settings, or faults that each name a key; nothing else, whatever stands there.

The input is a file.
"""

import tempfile
from pathlib import Path

from everpost.settings import Settings, load
from everpost.settings.load import store_place
from everpost.settings.values import ConfigFault
from everpost.wiring import PROVIDERS

ENVIRON = {"MAILGUN_API_KEY": "key-canary-4711"}


def check(data):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "everpost.toml"
        path.write_bytes(data)
        path.chmod(0o600)
        found = load(path, ENVIRON, PROVIDERS)
        assert isinstance(store_place(path, ENVIRON), tuple | list)
    if isinstance(found, Settings):
        assert all(account.provider in PROVIDERS for account in found.accounts)
        names = {account.name for account in found.accounts}
        assert all(place.account in names for route in found.routes for place in route.accounts)
    else:
        assert found
        for fault in found:
            assert isinstance(fault, ConfigFault)
            assert fault.key
            assert fault.message
            assert "key-canary-4711" not in f"{fault.key} {fault.message} {fault.hint}"
