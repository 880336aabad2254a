"""One browser and one server a file; each test has a tab of its own, of which nothing may be amiss at its end."""

import pytest

from page_kit import chromium, dev, serve, tab


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def dev_address(tmp_path_factory):
    with dev(tmp_path_factory.mktemp("dev")) as address:
        yield address


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    with serve(tmp_path_factory.mktemp("house")) as served:
        yield served


@pytest.fixture
def watched(browser, dev_address):
    with tab(browser, dev_address) as watched:
        yield watched
        assert watched.broken == []
        assert watched.stopped == []
        assert watched.origins == {dev_address}


@pytest.fixture
def keyed(browser, house):
    """On a server that asks for keys, with the key of an administrator."""
    with tab(browser, f"http://127.0.0.1:{house.port}") as watched:
        watched.page.add_init_script(f"sessionStorage.setItem('everpost.key', {house.token()!r})")
        yield watched
        assert watched.broken == []
        assert watched.stopped == []
        assert watched.origins == {watched.base}
