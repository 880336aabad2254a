"""A disk that fails on demand and keeps a log of what was asked of it, below real SQLite."""

from contextlib import contextmanager

import apsw


class FaultyDisk(apsw.VFS):
    """While in use, it carries all databases that are opened. `log` holds (call, kind of file)."""

    NAME = "everpost-faulty"

    def __init__(self):
        self.failing = frozenset()  # of "sync", "write"
        self.error = apsw.IOError
        self.log = []
        self.usual = apsw.vfs_names()[0]
        super().__init__(self.NAME, base=self.usual)

    def xOpen(self, name, flags):  # noqa: N802 - SQLite's name
        return _File(self, name, flags)

    def asked(self, call, kind):
        self.log.append((call, kind))
        if call in self.failing:
            raise self.error("the test wants it")


class _File(apsw.VFSFile):
    def __init__(self, disk, name, flags):
        self._disk = disk
        self._kind = "log" if flags[0] & apsw.SQLITE_OPEN_WAL else "database"
        super().__init__(disk.usual, name, flags)

    def xSync(self, flags):  # noqa: N802 - SQLite's name
        self._disk.asked("sync", self._kind)
        super().xSync(flags)

    def xWrite(self, data, offset):  # noqa: N802 - SQLite's name
        self._disk.asked("write", self._kind)
        super().xWrite(data, offset)

    def xTruncate(self, size):  # noqa: N802 - SQLite's name
        self._disk.asked("truncate", self._kind)
        super().xTruncate(size)


@contextmanager
def faulty_disk():
    disk = FaultyDisk()
    apsw.set_default_vfs(FaultyDisk.NAME)
    try:
        yield disk
    finally:
        apsw.set_default_vfs(disk.usual)
        disk.unregister()
