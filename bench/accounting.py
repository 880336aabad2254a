"""What the kernel says of a process and all that it has started: CPU time, memory, bytes written."""

import os
from pathlib import Path

PROC = Path("/proc")
TICKS_S = os.sysconf("SC_CLK_TCK")
PARENT, TIMES = 1, slice(11, 15)  # places in /proc/PID/stat, after the name


def tree(*roots: int) -> list[int]:
    """The processes themselves and their living descendants."""
    children: dict[int, list[int]] = {}
    for folder in PROC.glob("[0-9]*"):
        if fields := _stat(int(folder.name)):
            children.setdefault(int(fields[PARENT]), []).append(int(folder.name))
    found = list(roots)
    for pid in found:  # grows while it is walked
        found += [child for child in children.get(pid, ()) if child not in found]
    return found


def cpu_s(*roots: int) -> float:
    """User and system time so far: of all living processes of the trees, and of their children that have ended."""
    return sum(int(ticks) for pid in tree(*roots) for ticks in _stat(pid)[TIMES]) / TICKS_S


def is_alive(pid: int) -> bool:
    """Whether it runs, and is not only waiting for its parent to notice its end."""
    return _stat(pid)[:1] not in ([], ["Z"])


def memory_mb(*roots: int) -> float:
    """What the trees hold in memory; a page that several share is counted once."""
    return sum(_memory_kb(pid) for pid in tree(*roots)) * 1024 / 1e6


def resident_mb(pid: int, name: str = "VmRSS") -> float:
    """What is resident of one process now, or (VmHWM) was at most."""
    status = (PROC / str(pid) / "status").read_text()
    return int(status.partition(f"{name}:")[2].split()[0]) * 1024 / 1e6


def written_bytes(pid: int) -> tuple[int, int]:
    """What one process has written so far: by its calls, and of that to the disk."""
    fields = dict(line.split(": ") for line in (PROC / str(pid) / "io").read_text().splitlines())
    return int(fields["wchar"]), int(fields["write_bytes"])


def _stat(pid: int) -> list[str]:
    """The fields after the name; none if the process is gone."""
    try:
        return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def _memory_kb(pid: int) -> int:
    try:
        text = (PROC / str(pid) / "smaps_rollup").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return int(text.partition("\nPss:")[2].split()[0]) if "\nPss:" in text else 0
