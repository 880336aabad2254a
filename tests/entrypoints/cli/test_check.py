import asyncio
import socket

import pytest

from everpost.engine.wire import NetworkWire
from everpost.entrypoints.cli.check import probed_finding
from everpost.model.account import Account, Timeouts
from everpost.model.outcome import Kind, Outcome
from everpost.providers.contract import HttpRequest, Limits, Provider, Setting, Unsendable


def provider(url):
    """One that is asked at this address whether credentials work; None: it can't be asked."""
    return Provider(
        name="post",
        title="Post",
        docs="https://example.com/docs",
        settings=(Setting(name="api_key", help="", secret=True),),
        limits=Limits(recipients_max=10, content_bytes_max=10),
        build=lambda *_: Unsendable("a table only"),
        read=lambda *_: Outcome(kind=Kind.UNKNOWN),
        resolve=None,
        probe=url
        and (lambda account: HttpRequest(method="GET", url=url, headers={"X-Key": account.settings["api_key"]})),
        probe_refused=frozenset({401, 403}),
    )


ACCOUNT = Account(name="one", provider="post", settings={"api_key": "s3cret"}, timeouts=Timeouts(connect_s=1))


def probe(account, provider):
    async def asked():
        wire = NetworkWire()
        try:
            return await probed_finding(wire, account, provider)
        finally:
            await wire.close()

    return asyncio.run(asked())


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "everpost.toml"

    def config(text, *, data=tmp_path / "data"):
        path.write_text(f'data = "{data}"\n{text}')
        path.chmod(0o600)
        return path

    return config


GOOD = '[accounts.one]\nprovider = "sendgrid"\napi_key = "SG.x"\n'


def test_credentials_are_tried_by_the_providers_own_request(server):
    server.put("GET", "/scopes", 200, {})
    finding = probe(ACCOUNT, provider(f"{server.url}/scopes?x=1"))
    assert (finding.level, finding.key) == ("ok", "accounts.one")
    assert server.asked[0].path == "/scopes?x=1"
    assert server.asked[0].headers["X-Key"] == "s3cret"


@pytest.mark.parametrize("status", [401, 403])
def test_refused_credentials_are_a_fault_with_a_hint(server, status):
    server.put("GET", "/", status, {})
    finding = probe(ACCOUNT, provider(server.url))
    assert finding.level == "fault"
    assert "api_key" in finding.hint
    assert "https://example.com/docs" in finding.hint
    assert "s3cret" not in repr(finding)


@pytest.mark.parametrize("status", [302, 404, 429, 500])
def test_an_answer_that_says_nothing_of_the_credentials_is_a_warning(server, status):
    server.put("GET", "/", status, {})
    assert probe(ACCOUNT, provider(server.url)).level == "warning"


def test_a_provider_that_can_not_be_reached_is_a_fault():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    finding = probe(ACCOUNT, provider(f"http://127.0.0.1:{port}/"))
    assert finding.level == "fault"
    assert "can't be reached" in finding.message


def test_a_provider_that_can_not_be_asked_is_a_warning():
    assert probe(ACCOUNT, provider(None)).level == "warning"


def test_every_fault_of_the_file_is_shown_with_its_key_and_a_hint(everpost, config):
    path = config('[accounts.one]\nprovider = "sendgird"\n[http]\nprot = 1\n')
    ended = everpost("check", "--config", path)
    assert ended.code == 2
    assert "accounts.one.provider: 'sendgird' is not a known provider" in ended.out
    assert "did you mean sendgrid?" in ended.out
    assert "http.prot: is not a known key" in ended.out
    assert ended.out.endswith("is not fine\n")
    as_json = everpost("check", "--config", path, "--json")
    assert as_json.code == 2
    assert as_json.json["ok"] is False
    assert {finding["key"] for finding in as_json.json["findings"]} == {"accounts.one.provider", "http.prot"}


def test_a_good_file_is_fine(everpost, config):
    ended = everpost("check", "--offline", "--config", config(GOOD))
    assert ended.code == 0
    assert ended.out.endswith("everpost.toml is fine\n")


def test_it_is_told_what_the_mails_of_a_route_may_lose(everpost, config):
    path = config(GOOD + '[routes.default]\nallow_loss = ["headers"]\n')
    ended = everpost("check", "--offline", "--config", path, "--json")
    [finding] = [one for one in ended.json["findings"] if "route" in one["key"]]
    assert (finding["level"], finding["key"]) == ("ok", "routes.default")
    assert finding["message"].startswith("its mails may lose headers")


def test_a_doubtful_file_is_fine_with_a_warning(everpost, config):
    path = config(GOOD)
    path.chmod(0o644)
    ended = everpost("check", "--offline", "--config", path, "--json")
    assert ended.code == 0
    assert [(finding["level"], finding["key"]) for finding in ended.json["findings"]] == [
        ("warning", "accounts.one.api_key"),
        ("ok", "data"),
    ]


def test_a_data_folder_that_can_not_be_made_is_a_fault(everpost, config, tmp_path):
    (tmp_path / "file").write_text("")
    ended = everpost("check", "--offline", "--config", config(GOOD, data=tmp_path / "file" / "data"))
    assert ended.code == 2
    assert "data: " in ended.out


def test_a_configuration_with_faults_starts_no_server(everpost, config):
    ended = everpost("serve", "--config", config('[accounts.one]\nprovider = "sendgrid"\n'))
    assert ended.code == 2
    assert "accounts.one.api_key is missing" in ended.err


# --- the place of attachments -----------------------------------------------------------------------------------------


def told_of_attachments(ended):
    return [(each["level"], each["message"]) for each in ended.json["findings"] if each["key"] == "attachments"]


def placed(config, place):
    return config(f'attachments = "{place}"\n{GOOD}')


def test_a_folder_of_attachments_is_tried_and_left_as_it_was(everpost, config, tmp_path):
    folder = tmp_path / "files"
    folder.mkdir()
    ended = everpost("check", "--offline", "--config", placed(config, f"file:{folder}"), "--json")
    assert ended.code == 0
    assert told_of_attachments(ended) == [
        ("ok", f"the folder {folder} takes an attachment, gives it back and deletes it"),
    ]
    assert [*folder.iterdir()] == []


def test_a_folder_of_attachments_that_is_missing_is_left_to_the_server_to_be_made(everpost, config, tmp_path):
    folder = tmp_path / "some" / "where"
    ended = everpost("check", "--offline", "--config", placed(config, f"file:{folder}"), "--json")
    assert ended.code == 0
    assert told_of_attachments(ended) == [("ok", f"{folder} can be written to")]
    assert not folder.parent.exists()


def test_a_folder_of_attachments_that_can_not_be_used_is_a_fault_that_says_why_and_how_to_mend_it(
    everpost, config, tmp_path
):
    file = tmp_path / "file"
    file.write_text("")
    ended = everpost("check", "--offline", "--config", placed(config, f"file:{file}"))
    assert ended.code == 2
    assert f"attachments: the folder {file} can't be used: " in ended.out
    assert "File exists" in ended.out
    assert "name another folder, or give this one to the user that runs everpost" in ended.out


def test_a_folder_of_attachments_without_room_is_a_fault(everpost, config):
    ended = everpost("check", "--offline", "--config", placed(config, "file:/proc"), "--json")
    assert ended.code == 2
    [(level, message)] = told_of_attachments(ended)
    assert level == "fault"
    assert message.startswith("the folder /proc can't be written to: the folder of attachments /proc: ")


def test_a_bucket_is_left_alone_offline(everpost, config):
    path = placed(config, "s3:mail?endpoint=http://127.0.0.1:1")
    ended = everpost("check", "--offline", "--config", path, "--json")
    assert (ended.code, told_of_attachments(ended)) == (0, [])
