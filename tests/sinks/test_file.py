"""Events in a file: on disk when taken, every line whole."""

import errno
import json
import os

import pytest

from everpost.sinks.file import FileSink


@pytest.fixture
def path(tmp_path):
    return tmp_path / "events.jsonl"


def lines(path):
    return [json.loads(line)["id"] for line in path.read_text().splitlines()]


def events(*ids):
    return [{"id": id_, "data": {"words": "two\nlines, ümlaut"}} for id_ in ids]


async def put(path, *ids):
    sink = FileSink(str(path))
    await sink.put(events(*ids))
    await sink.close()


async def test_each_event_is_a_line_in_the_order_of_the_puts(path):
    await put(path, "a", "b")
    await put(path, "c")
    assert lines(path) == ["a", "b", "c"]


async def test_the_sink_is_named_after_its_file(path):
    sink = FileSink(str(path))
    assert sink.name == f"file:{path}"
    await sink.close()


async def test_what_was_taken_has_been_synced(path, monkeypatch):
    synced = []
    sink = FileSink(str(path))
    sync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(os.fstat(descriptor).st_size) or sync(descriptor))
    await sink.put(events("a"))
    assert synced == [path.stat().st_size]
    await sink.close()


@pytest.mark.parametrize("whole", ['{"id": "a"}\n', ""])
@pytest.mark.parametrize("torn", ['{"id": "b", "da', "x" * 200_000])
async def test_a_torn_last_line_is_cut_off(path, whole, torn):
    path.write_text(whole + torn)
    await put(path, "c")
    assert lines(path) == [*(["a"] if whole else []), "c"]


async def test_a_torn_line_of_another_process_is_cut_off_before_the_next_put(path):
    sink = FileSink(str(path))
    await sink.put(events("a"))
    with path.open("a") as other:
        other.write('{"id": "b", "da')
    await sink.put(events("b"))
    assert lines(path) == ["a", "b"]
    await sink.close()


async def test_a_whole_file_is_left_as_it_is(path):
    path.write_text('{"id": "a"}\n' * 10_000)
    await put(path, "b")
    assert len(lines(path)) == 10_001


@pytest.mark.parametrize("again", ["rename", "unlink"])
async def test_a_file_that_was_rotated_is_made_anew(path, again):
    sink = FileSink(str(path))
    await sink.put(events("a"))
    path.rename(path.with_suffix(".1")) if again == "rename" else path.unlink()
    await sink.put(events("b"))
    await sink.close()
    assert lines(path) == ["b"]


@pytest.mark.parametrize("name", ["missing/events.jsonl", "."])
async def test_a_path_that_cannot_be_written_is_named_with_the_reason(tmp_path, name):
    with pytest.raises(OSError, match="the file of events can't be written") as caught:
        FileSink(str(tmp_path / name))
    assert str(tmp_path / name) in str(caught.value)


async def test_a_full_disk_raises():
    sink = FileSink("/dev/full")
    for _ in range(2):
        with pytest.raises(OSError, match="No space left") as caught:
            await sink.put(events("a"))
        assert caught.value.errno == errno.ENOSPC
    await sink.close()


async def test_what_a_failed_put_has_left_is_taken_back(path, monkeypatch):
    sink = FileSink(str(path))
    await sink.put(events("a"))

    def fail(_descriptor):
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as failing:
        failing.setattr(os, "fsync", fail)
        with pytest.raises(OSError, match="Input/output error"):
            await sink.put(events("b", "c"))
    assert lines(path) == ["a"]
    await sink.put(events("b", "c"))
    assert lines(path) == ["a", "b", "c"]
    await sink.close()
