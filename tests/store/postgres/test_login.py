"""How a session begins: who is believed, and by which password."""

import pytest
import trustme
from msgspec.structs import replace

import postgres_kit
from everpost.postgres import Tls, Unreachable

NAME = "localhost"


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture(scope="module")
def secured(tmp_path_factory, authority):
    """A server with a certificate for its name, not for its address, which wants passwords."""
    folder = tmp_path_factory.mktemp("secured")
    own = authority.issue_cert(NAME)
    own.private_key_pem.write_to_path(folder / "key.pem")
    (folder / "key.pem").chmod(0o600)
    (folder / "chain.pem").write_bytes(b"".join(part.bytes() for part in own.cert_chain_pems))
    authority.cert_pem.write_to_path(folder / "root.pem")
    files = (f"ssl_cert_file={folder / 'chain.pem'}", f"ssl_key_file={folder / 'key.pem'}")
    with postgres_kit.cluster(folder, (*postgres_kit.VOLATILE, "ssl=on", *files)) as cluster:
        yield cluster, folder


@pytest.fixture
def server(secured):
    cluster, folder = secured
    return replace(cluster.server(), tls=Tls.VERIFY_FULL, root_certificate=folder / "root.pem")


async def is_encrypted(server):
    rows = await postgres_kit.judged(server, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
    return rows[0]["ssl"]


async def lets_in(server):
    try:
        await (await server.connect()).close()
    except Unreachable:
        return False
    return True


async def test_a_server_is_believed_by_its_name_and_its_authority(server):
    assert await is_encrypted(replace(server, host=NAME))


async def test_a_certificate_for_another_name_is_refused_unless_names_do_not_matter(server):
    with pytest.raises(Unreachable, match="no connection to PostgreSQL"):
        await server.connect()  # by its address
    assert await is_encrypted(replace(server, tls=Tls.VERIFY_CA))


async def test_an_authority_that_nobody_knows_is_refused_unless_nobody_asks(server):
    unknown = replace(server, host=NAME, root_certificate=None)
    with pytest.raises(Unreachable, match="certificate verify failed"):
        await unknown.connect()
    assert await is_encrypted(replace(unknown, tls=Tls.REQUIRE))


async def test_a_password_is_asked_for_at_each_login(secured, server):
    cluster, folder = secured
    plain = cluster.server()
    await postgres_kit.judged(plain, "ALTER ROLE postgres PASSWORD 'second'")
    rules = folder / "data" / "pg_hba.conf"
    rules.write_text("host all all 127.0.0.1/32 scram-sha-256\nhost all all ::1/128 scram-sha-256\n")
    await postgres_kit.judged(plain, "SELECT pg_reload_conf()")
    while await lets_in(plain):
        """It reads them anew in its own time."""
    told = iter(["first", "second"])

    async def password():
        return next(told)

    asking = replace(server, host=NAME, password=password)
    with pytest.raises(Unreachable, match="the server refuses the login"):
        await asking.connect()
    assert await is_encrypted(asking)
