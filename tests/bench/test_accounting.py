"""Whose CPU time, memory and bytes are counted."""

import signal
import subprocess
import sys

import pytest

import accounting
import processes

BURN = "import time\nwhile time.process_time() < 0.3: pass\n"
NESTED = f"""
import subprocess, sys
subprocess.run([sys.executable, "-c", {BURN!r}], check=True)
child = subprocess.Popen([sys.executable, "-c", "import sys; print(7, flush=True); sys.stdin.read()"],
    stdin=subprocess.PIPE)
sys.stdin.read()
child.communicate()
"""


def started(words):
    return subprocess.Popen([sys.executable, "-c", words], stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def test_a_tree_holds_living_descendants_and_the_time_of_those_that_ended():
    with started(NESTED) as process:
        process.stdout.readline()  # the grandchild that burnt is gone, the other one is up
        tree = accounting.tree(process.pid)
        spent_s = accounting.cpu_s(process.pid)
        memory = [accounting.memory_mb(process.pid), accounting.resident_mb(process.pid)]
        process.stdin.close()
    assert tree[0] == process.pid
    assert len(tree) == 2
    assert spent_s >= 0.25
    assert memory[0] > memory[1] / 4 > 0  # shared pages count in part


def test_a_process_that_is_gone_costs_nothing():
    with started("pass") as process:
        process.wait()
    assert accounting.tree(process.pid) == [process.pid]
    assert accounting.cpu_s(process.pid) == 0
    assert accounting.memory_mb(process.pid) == 0


def test_bytes_that_were_written_are_counted():
    words = "import sys; sys.stdin.readline(); sys.stdout.write('x' * 5000); sys.stdout.flush(); sys.stdin.read()"
    with started(words) as process:
        before, _ = accounting.written_bytes(process.pid)
        process.stdin.write(b"\n")
        process.stdin.flush()
        process.stdout.read(5000)
        after, _ = accounting.written_bytes(process.pid)
        process.stdin.close()
    assert 5000 <= after - before < 6000


@pytest.mark.parametrize("how", [processes.kill, processes.end])
def test_a_process_is_ended_with_its_whole_tree(how):
    process = processes.start(
        sys.executable, "-c", "import subprocess; subprocess.run(['sh', '-c', 'sleep 60 & echo $$; wait'])"
    )
    child = int(process.stdout.readline())
    tree = accounting.tree(process.pid)
    how(process)
    assert process.returncode == (-signal.SIGKILL if how is processes.kill else -signal.SIGTERM)
    assert tree[:2] == [process.pid, child]
    assert len(tree) == 3
    assert not any(accounting.is_alive(pid) for pid in tree)
