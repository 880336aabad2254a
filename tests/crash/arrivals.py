"""The sandbox, telling of each mail when its last byte had arrived at this machine: `python arrivals.py sandbox …`.

A provider may read a request long after it has arrived, even when its sender has given it up and reset the connection.
Nobody can see that from outside, so the sandbox asks its kernel.
"""

import socket
import struct
import sys
import time
from typing import Final

from everpost.entrypoints import cli
from everpost.sandbox import control
from everpost.sandbox.inbox import Inbox
from everpost.sandbox.server import Connection

_TCP_INFO_BYTES: Final = 104
_LAST_DATA_AT: Final = 52  # where `struct tcp_info` has tcpi_last_data_recv: ms since data arrived last


def tell_arrivals():
    """What the control port tells of a mail has `arrived_at` beside `received_at`, the instant at which it was read."""
    data_received, add, summary = Connection.data_received, Inbox.add, control._summary
    reads = {"arrived_at": 0.0}  # of what is being read: the answer to it is made before anything else is
    arrived = {}  # by the id of what was caught

    def data_received_and_date(self, data):
        told = self._transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_BYTES)
        reads["arrived_at"] = time.time() - struct.unpack_from("I", told, _LAST_DATA_AT)[0] / 1000
        data_received(self, data)

    def add_dated(self, *args, **more):
        caught = add(self, *args, **more)
        arrived[caught.id] = reads["arrived_at"]
        return caught

    Connection.data_received = data_received_and_date
    Inbox.add = add_dated
    control._summary = lambda caught: summary(caught) | {"arrived_at": arrived[caught.id]}


if __name__ == "__main__":
    tell_arrivals()
    sys.exit(cli.main(sys.argv[1:]))
