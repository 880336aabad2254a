"""AWS with secrets in it, as somebody else puts them there."""

import uuid
from dataclasses import dataclass
from typing import Any

import pytest

import judge
from aws_kit import REGION, client_of, ministack
from everpost.engine.wire import NetworkWire
from everpost.vault.aws import AwsVault


@dataclass
class Owner:
    """Who writes the secrets."""

    ssm: Any
    secretsmanager: Any

    def parameter(self, value, name=None):
        name = name or f"/mail/{uuid.uuid4()}"
        self.ssm.put_parameter(Name=name, Value=value, Type="SecureString", Overwrite=True)
        return name

    def secret(self, value):
        name = f"mail/{uuid.uuid4()}"
        return self.secretsmanager.create_secret(Name=name, SecretString=value)["ARN"]


@pytest.fixture(scope="session")
def aws(tmp_path_factory):
    with ministack(tmp_path_factory.mktemp("aws") / "log") as endpoint:
        yield endpoint


@pytest.fixture(scope="session")
def owner(aws):
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    services = ("ssm", "secretsmanager")
    return Owner(*(judge.client(each, endpoint=aws, region_name=REGION, **keys) for each in services))


@pytest.fixture
async def vault(aws):
    wire = NetworkWire()
    yield AwsVault(client_of(wire, aws))
    await wire.close()
