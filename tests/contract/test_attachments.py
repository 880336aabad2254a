"""What every place for large attachments promises."""

import re
import stat
import subprocess
import sys

import pytest

from aws_kit import client_of, environ_of
from dynamodb_kit import new_table
from everpost.attachments.files import FileAttachments
from everpost.attachments.memory import MemoryAttachments
from everpost.attachments.port import AttachmentsUnavailable
from everpost.attachments.s3 import S3Attachments
from everpost.attachments.trial import faults_of
from everpost.engine.wire import NetworkWire
from everpost.model.limits import ANSWER_BODY_BYTES_MAX
from everpost.settings import ObjectAttachments
from everpost.wiring.attachments import try_attachments
from everpost.wiring.cloud import Cloud
from scripted_server import refusing_port, settled
from system_parts import program

LARGE = bytes(range(256)) * 32 * 1024
NAMES = [f"2030-01-{day:02}/{digest * 64}" for day in (9, 10, 11) for digest in "ab"]


@pytest.fixture(params=["memory", "file", "s3", "s3 with a prefix"])
async def place(request, tmp_path):
    if request.param == "memory":
        yield MemoryAttachments()
    elif request.param == "file":
        opened = FileAttachments(tmp_path / "some" / "where")
        yield opened
        await opened.close()
    else:
        wire = NetworkWire()
        endpoint = request.getfixturevalue("aws")
        bucket = await new_table(endpoint)  # with a bucket of its name
        yield S3Attachments(client_of(wire, endpoint), bucket, "of/mail-" if "prefix" in request.param else "")
        await wire.close()
        await settled()


async def before(place, day):
    return [name async for names in place.before(day) for name in names]


@pytest.mark.parametrize("content", [b"small", LARGE], ids=["small", "large"])
async def test_a_content_comes_back_as_it_was(place, content):
    assert len(LARGE) > ANSWER_BODY_BYTES_MAX
    await place.put(NAMES[0], content)
    assert await place.get(NAMES[0]) == content
    assert await place.get(NAMES[1]) is None


async def test_it_may_be_put_again(place):
    for _ in range(2):
        await place.put(NAMES[0], b"content")
    assert await place.get(NAMES[0]) == b"content"
    assert await before(place, "2030-02-01") == [NAMES[0]]


async def test_names_are_told_by_their_days_and_nothing_of_the_day_itself(place):
    assert await before(place, "2030-02-01") == []
    for name in reversed(NAMES):
        await place.put(name, b"c")
    assert await before(place, "2030-01-11") == NAMES[:4]
    assert await before(place, "2030-01-09") == []


async def test_what_is_deleted_is_gone_and_the_rest_stays(place):
    for name in NAMES:
        await place.put(name, b"c")
    await place.delete([NAMES[0], NAMES[1], NAMES[2], f"2031-01-01/{'f' * 64}"])
    await place.delete([])
    assert await before(place, "2030-02-01") == NAMES[3:]
    assert await place.get(NAMES[0]) is None
    await place.put(NAMES[0], b"again")
    assert await place.get(NAMES[0]) == b"again"


async def test_a_trial_finds_no_fault_with_a_place_that_works_and_leaves_nothing_there(place):
    await place.put(NAMES[0], b"a mail's")
    assert await faults_of(place, "2030-01-09", b"trial") == []
    assert await before(place, "2030-02-01") == [NAMES[0]]


class Forbidding(MemoryAttachments):
    """Does what it is not forbidden to do."""

    def __init__(self, *forbidden):
        super().__init__()
        self._forbidden = forbidden

    def _try(self, method):
        if method in self._forbidden:
            raise AttachmentsUnavailable("AccessDenied")

    async def put(self, name, content):
        self._try("put")
        await super().put(name, content)

    async def get(self, name):
        self._try("get")
        return None if "keep" in self._forbidden else await super().get(name)

    async def before(self, day):
        self._try("before")
        async for names in super().before(day):
            yield names

    async def delete(self, names):
        self._try("delete")
        await super().delete(names)


@pytest.mark.parametrize(
    ("forbidden", "told"),
    [
        ("put", ["can't be written to: AccessDenied"]),
        ("get", ["can't be read: AccessDenied"]),
        ("keep", ["does not give back what was written"]),
        ("before", ["can't be listed: AccessDenied"]),
        ("delete", [r"can't be deleted from, 2030-01-09-check/\w{64} is left there: AccessDenied"]),
        ("get delete", ["can't be read: .*", "can't be deleted from, .*"]),
    ],
)
async def test_a_trial_names_each_thing_that_can_not_be_done(forbidden, told):
    place = Forbidding(*forbidden.split())
    faults = await faults_of(place, "2030-01-09", b"trial")
    assert len(faults) == len(told)
    assert all(re.fullmatch(words, fault) for words, fault in zip(told, faults, strict=True))
    is_left = "delete" in forbidden
    assert bool(await before(place, "2030-01-10") if "before" not in forbidden else is_left) is is_left


async def test_what_a_trial_could_not_delete_goes_with_its_day():
    place = Forbidding("delete")
    await faults_of(place, "2030-01-09", b"trial")
    assert await before(place, "2030-01-09") == []
    assert len(await before(place, "2030-01-10")) == 1


@pytest.mark.parametrize("bucket", ["there", "missing"])
async def test_a_bucket_is_tried_with_the_credentials_of_whoever_asks(aws, bucket):
    name = await new_table(aws) if bucket == "there" else "no-such-bucket"
    cloud = Cloud(environ_of(aws))
    faults = await try_attachments(ObjectAttachments(bucket=name), cloud)
    await cloud.wire.close()
    await settled()
    if bucket == "there":
        assert faults == []
    else:
        [fault] = faults
        assert fault.startswith("can't be written to: the bucket of attachments no-such-bucket: ")
        assert "NoSuchBucket" in fault


async def test_without_a_region_a_bucket_can_not_be_reached():
    [fault] = await try_attachments(ObjectAttachments(bucket="mail"), Cloud({}))
    assert fault.startswith("can't be reached: ")
    assert "region" in fault.lower()


async def test_files_are_for_their_owner_alone(tmp_path):
    place = FileAttachments(tmp_path / "attachments")
    await place.put(NAMES[0], b"c")
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "attachments").rglob("*")}
    assert modes | {stat.S_IMODE((tmp_path / "attachments").stat().st_mode)} == {0o700, 0o600}
    await place.close()


async def test_a_half_that_a_crash_has_left_goes_with_its_day(tmp_path):
    place = FileAttachments(tmp_path)
    await place.put(NAMES[0], b"c")
    (tmp_path / f"{NAMES[1]}.123.ab.half").write_bytes(b"ha")
    found = await before(place, "2030-01-10")
    assert len(found) == 2
    await place.delete(found)
    assert list(tmp_path.iterdir()) == []
    await place.close()


async def test_a_file_of_another_length_is_written_anew(tmp_path):
    place = FileAttachments(tmp_path)
    await place.put(NAMES[0], b"content")
    (tmp_path / NAMES[0]).write_bytes(b"cont")
    await place.put(NAMES[0], b"content")
    assert await place.get(NAMES[0]) == b"content"
    await place.close()


async def test_a_folder_that_does_not_work_is_named_with_the_reason(tmp_path):
    place = FileAttachments(tmp_path / "attachments")
    (tmp_path / "attachments").rmdir()
    (tmp_path / "attachments").write_text("no folder")
    for work in (place.put(NAMES[0], b"c"), place.get(NAMES[0]), before(place, "2031-01-01")):
        with pytest.raises(AttachmentsUnavailable, match=r"attachments: Not a directory"):
            await work
    await place.close()


async def test_a_bucket_that_can_not_be_reached_is_named_with_the_reason():
    wire = NetworkWire()
    with refusing_port() as port:
        place = S3Attachments(client_of(wire, f"http://127.0.0.1:{port}"), "mail", "")
        for work in (place.get(NAMES[0]), place.delete([NAMES[0]])):
            with pytest.raises(AttachmentsUnavailable, match="the bucket of attachments mail: "):
                await work
    await wire.close()


PUT = """
import asyncio, sys
from pathlib import Path
from everpost.attachments.files import FileAttachments
asyncio.run(FileAttachments(Path(sys.argv[1])).put(sys.argv[2], b"content"))
print("durable")
"""


def test_a_file_is_on_disk_with_its_name_before_anybody_is_told(tmp_path):
    """As the kernel is asked for it: the content, its name, and both folders that are new or changed."""
    trace = tmp_path / "trace"
    strace = (program("strace"), "-f", "-y", "-qq", "-o", str(trace), "-e", "trace=fsync,rename,write")
    subprocess.run(
        (*strace, sys.executable, "-c", PUT, str(tmp_path / "at"), NAMES[0]), check=True, capture_output=True
    )
    day, file = NAMES[0].split("/")
    calls = trace.read_text().splitlines()

    def place(call, what):
        return next(at for at, line in enumerate(calls) if re.search(rf"\b{call}\(.*{what}", line))

    order = [
        place("write", r"\.half"),
        place("fsync", r"\.half>"),
        place("rename", rf"{file}\""),
        place("fsync", rf"{day}>"),
        place("write", "durable"),
    ]
    assert order == sorted(order)
    assert place("fsync", r"/at>") < order[0]
