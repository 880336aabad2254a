"""PostgreSQL, as the settings name it."""

from collections.abc import Callable, Sequence

from everpost.model.secret import Reference
from everpost.postgres import Server, Tls, Unreachable
from everpost.settings import PostgresStore as Place
from everpost.store.commits import UNCOUNTED, Commits
from everpost.store.port import Store
from everpost.store.postgres import PostgresStore, schema
from everpost.store.postgres.inspection import Sight, inspect
from everpost.wiring.cloud import Cloud


async def open_database(place: Place, cloud: Cloud, commits: Commits = UNCOUNTED) -> Store:
    """Raises StoreUnavailable."""
    return await PostgresStore.open(server_at(place, cloud), commits=commits)


async def migrate_database(place: Place, cloud: Cloud, tell: Callable[[str], None]) -> int:
    """Runs what has not run yet; returns how many migrations that were. Raises StoreUnavailable."""
    return await schema.migrate(server_at(place, cloud), tell)


async def inspect_database(place: Place, cloud: Cloud) -> Sequence[Sight]:
    """What there is to be said of the database, and of its being fit for mail."""
    return await inspect(server_at(place, cloud))


def server_at(place: Place, cloud: Cloud) -> Server:
    """The password is asked for at each login, wherever it is kept, so that a new one needs no restart."""

    async def password() -> str:
        known = place.password
        return await _read(known, cloud) if isinstance(known, Reference) else known or ""

    return Server(
        host=place.host,
        port=place.port,
        user=place.user,
        database=place.database,
        password=None if place.password is None else password,
        tls=Tls(place.sslmode),
        root_certificate=place.sslrootcert,
    )


async def _read(reference: Reference, cloud: Cloud) -> str:
    from everpost.vault.aws import AwsVault
    from everpost.vault.keeper import part_of
    from everpost.vault.port import SecretUnavailable

    try:
        return part_of(await AwsVault(cloud.client).read(reference.source), reference)
    except (SecretUnavailable, ValueError) as error:  # ValueError: AWS without a region
        raise Unreachable(f"the password for PostgreSQL can't be read: {error}") from error
