from contextlib import AsyncExitStack

import pytest

from everpost.sandbox.sandbox import Sandbox
from lambda_house import House
from lambda_kit import http_event, rest_event


@pytest.fixture
async def sandbox():
    sandbox = Sandbox()
    await sandbox.start()
    yield sandbox
    await sandbox.stop()


@pytest.fixture
async def house(tmp_path, sandbox):
    async with AsyncExitStack() as stack:
        house = House(tmp_path, sandbox, stack)
        house.configure()
        await house.make_key()
        yield house


@pytest.fixture(params=[rest_event, http_event], ids=["rest", "http"])
def asked(request, house):
    """Makes events of either payload format."""
    return lambda *args, **options: house.asked(*args, make=request.param, **options)
