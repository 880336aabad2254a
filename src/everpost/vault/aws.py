"""Parameters of Systems Manager, and secrets of Secrets Manager."""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from everpost.aws import AwsClient, AwsError
from everpost.aws.credentials import NoCredentials
from everpost.model.secret import Source
from everpost.vault.port import SecretUnavailable

WITHIN_S: Final = 3.0


class _Kind(NamedTuple):
    operation: str
    payload: Callable[[str], Mapping[str, Any]]
    value: Callable[[Mapping[str, Any]], Any]
    right: str


_KINDS: Final[Mapping[str, _Kind]] = {
    "ssm": _Kind(
        "GetParameter",
        lambda name: {"Name": name, "WithDecryption": True},
        lambda answer: answer["Parameter"].get("Value"),
        "ssm:GetParameter (and kms:Decrypt on its key)",
    ),
    "secretsmanager": _Kind(
        "GetSecretValue",
        lambda name: {"SecretId": name},
        lambda answer: answer.get("SecretString"),
        "secretsmanager:GetSecretValue (and kms:Decrypt on its key)",
    ),
}

_HINTS: Final[Mapping[str, str]] = {
    "ParameterNotFound": "there is none of this name in this region: create it, or mend the name",
    "ResourceNotFoundException": "there is none of this name in this region: create it, or mend the name",
    "AccessDeniedException": "this process may not read it: give its role {right}",
}


class AwsVault:
    def __init__(self, client: AwsClient) -> None:
        self._client = client

    async def read(self, source: Source) -> str:
        kind = _KINDS[source.kind]
        where = f"{source.kind}:{source.name}"
        try:
            answer = await self._client.call(source.kind, kind.operation, kind.payload(source.name), within_s=WITHIN_S)
        except AwsError as error:
            hint = _HINTS.get(error.code, "").format(right=kind.right)
            raise SecretUnavailable(f"{where} can't be read: {error.code}" + (f": {hint}" if hint else "")) from error
        except NoCredentials as error:
            raise SecretUnavailable(f"{where} can't be read: {error}") from error
        value = kind.value(answer)
        if not isinstance(value, str) or not value:
            raise SecretUnavailable(f"{where} holds no text: store the secret as one")
        return value
