from pathlib import Path

import msgspec
import pytest

from everpost.model.account import Quota, Timeouts
from everpost.model.capability import Loss
from everpost.model.message import OnUnknown
from everpost.model.outcome import Kind, Outcome
from everpost.model.route import Route, RouteAccount
from everpost.model.secret import Reference
from everpost.providers.contract import Form, Limits, Provider, Setting, Unsendable
from everpost.settings import (
    ConfigFault,
    DynamoStore,
    FileAttachments,
    FileSink,
    HttpSettings,
    IamLogin,
    InStore,
    KafkaSink,
    KinesisSink,
    MemoryWakeup,
    ObjectAttachments,
    PostgresStore,
    QueueWakeup,
    Retention,
    SqliteStore,
    StdoutSink,
    StoreHealth,
    StoreWakeup,
    SubmissionSettings,
    TlsFiles,
    ValkeyPlace,
    WebhookSettings,
    WorkSettings,
    load,
    load_text,
    store_place,
)
from everpost.settings.forms import FORMS
from everpost.settings.keys import TABLES
from everpost.settings.load import VARIABLES
from everpost.settings.values import Mechanism

EXAMPLE = Path(__file__).parent.parent / "everpost.example.toml"
SECRET = "s3cr3t-0123456789"


def provider(name, *settings):
    return Provider(
        name=name,
        title=name.title(),
        docs="https://example.com/",
        settings=settings,
        limits=Limits(recipients_max=10, content_bytes_max=10),
        build=lambda *_: Unsendable("a table only"),
        read=lambda *_: Outcome(kind=Kind.UNKNOWN),
        resolve=None,
    )


API_KEY = Setting(name="api_key", help="the key of the account", required=True, secret=True)
PROVIDERS = {
    "sendgrid": provider("sendgrid", API_KEY),
    "mailgun": provider(
        "mailgun",
        API_KEY,
        Setting(name="domain", help="the sending domain", required=True),
        Setting(name="region", help="where the domain lives", default="us", choices=("us", "eu")),
    ),
    "smtp": provider(
        "smtp",
        Setting(name="host", help="the server", required=True),
        Setting(name="port", help="its port", default="587"),
        Setting(name="password", help="of the user", secret=True),
    ),
}
ENVIRON = {"MAILGUN_API_KEY": SECRET, "SENDGRID_API_KEY": SECRET}
ONE_ACCOUNT = '[accounts.one]\nprovider = "sendgrid"\napi_key = "$SENDGRID_API_KEY"\n'


@pytest.fixture
def read(tmp_path):
    def read(text, environ=ENVIRON, mode=0o600):
        path = tmp_path / "everpost.toml"
        path.write_text(text)
        path.chmod(mode)
        return load(path, environ, PROVIDERS)

    return read


@pytest.fixture
def faults(read):
    """The faults of a file, by their keys; there must be one a key."""

    def faults(text, environ=ENVIRON):
        found = read(text, environ)
        assert isinstance(found, list), "no fault was found"
        by_key = {fault.key: fault for fault in found}
        assert len(by_key) == len(found), found
        return by_key

    return faults


@pytest.fixture
def only(faults):
    def only(text, environ=ENVIRON):
        (fault,) = faults(text, environ).values()
        return fault

    return only


# --- what a good file means ---


def test_the_example_file_loads_without_a_warning():
    settings = load(EXAMPLE, ENVIRON, PROVIDERS)
    assert not isinstance(settings, list), settings
    assert settings.warnings == ()
    assert {account.provider for account in settings.accounts} == {"mailgun", "sendgrid"}
    assert settings.routes[0].name == "default"


def test_the_example_file_is_about_twenty_lines():
    lines = [line for line in EXAMPLE.read_text().splitlines() if line.strip() and not line.startswith("#")]
    assert len(lines) <= 24


def test_a_full_file_is_read_to_the_last_key(read):
    settings = read("""
        data = "/srv/everpost"
        [http]
        host = "0.0.0.0"
        port = 80
        public_url = "https://mail.example.com"
        page_origins = ["https://page.example.com", "http://localhost:8080"]
        [accounts.mailgun]
        provider = "mailgun"
        domain = "mg.example.com"
        region = "eu"
        api_key = "$MAILGUN_API_KEY"
        quota = { per_second = 50, per_day = 10000, per_month = 300000, zone = "Europe/Berlin" }
        recipients = ["*@Example.com"]
        senders = ["Example.com"]
        max_concurrency = 7
        timeouts = { connect_s = 1, write_s = 2.5, answer_s = 3 }
        lookup_lag_s = 300
        [accounts.spare]
        provider = "smtp"
        host = "smtp.example.net"
        port = 465
        [routes.default]
        accounts = [{ account = "mailgun", weight = 3 }, { account = "spare" }]
        [routes.otp]
        accounts = ["spare", "mailgun"]
        on_unknown = "hold"
        resolve_within_s = 30
        give_up_after_s = 600
        allow_loss = ["headers", "tags"]
        [events]
        sinks = ["stdout", "file:/var/log/events.jsonl"]
        [retention]
        messages_days = 40
        keys_days = 2
        bodies_days = 3
        addresses_days = 4
        events_days = 40
        [log]
        level = "debug"
    """)
    assert not isinstance(settings, list), settings
    assert settings.data == Path("/srv/everpost")
    assert settings.http == HttpSettings(
        host="0.0.0.0",
        port=80,
        public_url="https://mail.example.com",
        page_origins=("https://page.example.com", "http://localhost:8080"),
    )
    mailgun, spare = settings.accounts
    assert mailgun.settings == {"api_key": SECRET, "domain": "mg.example.com", "region": "eu"}
    assert mailgun.quota == Quota(per_second=50, per_day=10_000, per_month=300_000, zone="Europe/Berlin")
    assert (mailgun.recipients, mailgun.senders) == (("*@example.com",), ("example.com",))
    assert (mailgun.max_concurrency, mailgun.lookup_lag_s) == (7, 300.0)
    assert mailgun.timeouts == Timeouts(connect_s=1, write_s=2.5, answer_s=3)
    assert spare.settings == {"host": "smtp.example.net", "port": "465"}
    default, otp = settings.routes
    assert default.accounts == (RouteAccount(account="mailgun", weight=3.0), RouteAccount(account="spare"))
    assert otp == Route(
        name="otp",
        accounts=(RouteAccount(account="spare"), RouteAccount(account="mailgun")),
        on_unknown=OnUnknown.HOLD,
        resolve_within_s=30,
        give_up_after_s=600,
        allow_loss=(Loss.HEADERS, Loss.TAGS),
    )
    assert default.allow_loss is None
    assert settings.sinks == (StdoutSink(), FileSink(Path("/var/log/events.jsonl")))
    assert settings.retention == Retention(
        messages_days=40, keys_days=2, bodies_days=3, addresses_days=4, events_days=40
    )
    assert settings.log_level == "debug"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("store", InStore()),
        ("file:/srv/attachments", FileAttachments(Path("/srv/attachments"))),
        ("s3:mail", ObjectAttachments(bucket="mail")),
        (
            "s3:mail?prefix=of/mail-&endpoint=https://objects.example.com",
            ObjectAttachments(bucket="mail", prefix="of/mail-", endpoint="https://objects.example.com"),
        ),
    ],
)
def test_attachments_lie_where_they_are_said_to(read, text, place):
    assert read(f'attachments = "{text}"\n{ONE_ACCOUNT}').attachments == place
    assert read(ONE_ACCOUNT, ENVIRON | {"EVERPOST_ATTACHMENTS": text}).attachments == place


@pytest.mark.parametrize("text", ["file:", "s3:", "s3:mail/of", "s3:mail?endpoint=here", "s3:mail?region=x", "ftp:x"])
def test_a_place_of_attachments_that_is_none_is_told_with_what_may_be_written(read, text):
    [fault] = read(f'attachments = "{text}"\n{ONE_ACCOUNT}')
    assert (fault.key, bool(fault.hint)) == ("attachments", True)


@pytest.mark.parametrize(
    ("lines", "key", "words"),
    [
        ("bodies_days = 31", "bodies_days", ("messages go after 30", "a larger messages_days")),
        ("messages_days = 9\nevents_days = 10", "events_days", ("messages go after 9", "at most 9")),
        ("bodies_days = 8\naddresses_days = 7", "addresses_days", ("kept for 8", "set bodies_days to at most 7")),
        ("addresses_days = 7", "addresses_days", ("kept for 30", "set bodies_days to at most 7")),
    ],
)
def test_no_part_of_a_mail_outlives_it_and_no_address_the_content_that_repeats_it(read, lines, key, words):
    [fault] = read(f"{ONE_ACCOUNT}[retention]\n{lines}\n")
    assert fault.key == f"retention.{key}"
    assert all(word in f"{fault.message} {fault.hint}" for word in words)


def test_a_file_without_routes_routes_by_default_over_all_accounts_in_its_order(read):
    settings = read(ONE_ACCOUNT.replace("one", "zoe") + ONE_ACCOUNT)
    assert settings.routes == (
        Route(name="default", accounts=(RouteAccount(account="zoe"), RouteAccount(account="one"))),
    )


def test_what_the_file_leaves_out_has_the_providers_default(read):
    settings = read('[accounts.a]\nprovider = "mailgun"\ndomain = "example.com"\napi_key = "$MAILGUN_API_KEY"')
    assert settings.accounts[0].settings["region"] == "us"


def test_a_secret_may_come_from_a_file_and_loses_its_line_end(read, tmp_path):
    (tmp_path / "key").write_text(SECRET + "\n")
    settings = read(f'[accounts.a]\nprovider = "sendgrid"\napi_key = "file:{tmp_path}/key"')
    assert settings.accounts[0].settings["api_key"] == SECRET


# --- the environment ---


def test_the_environment_goes_over_the_file(read):
    environ = ENVIRON | {
        "EVERPOST_DATA": "/elsewhere",
        "EVERPOST_HTTP_PORT": "81",
        "EVERPOST_EVENTS_SINKS": "stdout, file:/x",
        "EVERPOST_LOG_LEVEL": "error",
        "EVERPOST_HTTP_HOST": "",
    }
    settings = read('data = "/here"\n' + ONE_ACCOUNT + "[http]\nport = 80\n", environ)
    assert settings.data == Path("/elsewhere")
    assert settings.http == HttpSettings(port=81)
    assert settings.sinks == (StdoutSink(), FileSink(Path("/x")))
    assert settings.log_level == "error"


def test_a_fault_that_comes_from_the_environment_names_the_variable(faults):
    environ = ENVIRON | {"EVERPOST_HTTP_PORT": "70000", "EVERPOST_RETENTION_KEYS_DAYS": "week"}
    found = faults(ONE_ACCOUNT, environ)
    assert set(found) == {"EVERPOST_HTTP_PORT", "EVERPOST_RETENTION_KEYS_DAYS"}
    assert "whole number" in found["EVERPOST_RETENTION_KEYS_DAYS"].message


def test_a_misspelt_variable_is_a_warning_and_a_foreign_one_is_none(read):
    environ = ENVIRON | {"EVERPOST_HTP_PORT": "80", "EVERPOST_SERVICE_HOST": "10.0.0.1", "EVERPOST_KEY": "evp_x"}
    (warning,) = read(ONE_ACCOUNT, environ).warnings
    assert (warning.key, warning.hint) == ("EVERPOST_HTP_PORT", "did you mean EVERPOST_HTTP_PORT?")


# --- secrets ---


def test_secrets_do_not_show_in_a_repr(read):
    settings = read(ONE_ACCOUNT)
    assert settings.accounts[0].settings["api_key"] == SECRET
    for shown in (repr(settings), str(settings), f"{settings.accounts}", f"{settings.accounts[0].settings}"):
        assert SECRET not in shown
        assert "***" in shown


def test_no_fault_holds_the_value_of_a_secret(read):
    found = read(f'[accounts.a]\nprovider = "mailgun"\napi_key = "{SECRET}"\nregion = "mars"\nquota = 3\n')
    assert SECRET not in repr(found)


def test_a_secret_written_into_a_file_that_everybody_may_read_is_a_warning(read):
    text = f'[accounts.a]\nprovider = "sendgrid"\napi_key = "{SECRET}"\n'
    (warning,) = read(text, mode=0o644).warnings
    assert warning.key == "accounts.a.api_key"
    assert "chmod o-r" in warning.hint
    assert SECRET not in repr(warning)
    assert read(text, mode=0o640).warnings == ()
    assert read(ONE_ACCOUNT, mode=0o644).warnings == ()


@pytest.mark.parametrize("text", ["ssm:/mail/key", "secretsmanager:mail#key"])
def test_a_secret_may_be_the_name_of_one_which_everybody_may_read(read, text):
    settings = read(f'[accounts.a]\nprovider = "sendgrid"\napi_key = "{text}"\n', mode=0o644)
    assert settings.warnings == ()
    value = settings.accounts[0].settings["api_key"]
    assert (type(value), value) == (Reference, text)


def test_what_is_no_secret_is_never_taken_for_the_name_of_one(read):
    settings = read('[accounts.a]\nprovider = "smtp"\nhost = "ssm:/mail/host"\n')
    assert type(settings.accounts[0].settings["host"]) is str


# --- faults ---


def test_every_fault_of_a_file_is_reported_at_once(faults, tmp_path):
    found = faults(f"""
        dta = "/srv"
        [http]
        port = 99999
        [accounts.mg]
        provider = "mailgun"
        api_key = "$NOT_SET"
        regoin = "eu"
        region = "mars"
        quota = {{ per_day = -1, zone = "Europe/Berlinn" }}
        recipients = ["example.com"]
        senders = ["@@"]
        max_concurrency = "many"
        [accounts.sg]
        provider = "sendgird"
        [accounts.disk]
        provider = "smtp"
        host = "smtp.example.com"
        password = "file:{tmp_path}/missing"
        [routes.default]
        accounts = ["mgg", "sg", "sg"]
        on_unknown = "retry"
        [routes.otp]
        accounts = []
        [events]
        sinks = ["kafka"]
        [retention]
        messages_days = 0
        [log]
        level = "verbose"
    """)
    assert found.keys() == {
        "dta",
        "http.port",
        "accounts.mg.api_key",
        "accounts.mg.regoin",
        "accounts.mg.region",
        "accounts.mg.domain",
        "accounts.mg.quota.per_day",
        "accounts.mg.quota.zone",
        "accounts.mg.recipients[0]",
        "accounts.mg.senders[0]",
        "accounts.mg.max_concurrency",
        "accounts.sg.provider",
        "accounts.disk.password",
        "routes.default.accounts[0]",
        "routes.default.accounts[2]",
        "routes.default.on_unknown",
        "routes.otp.accounts",
        "events.sinks[0]",
        "retention.messages_days",
        "log.level",
    }
    without_hint = {key for key, fault in found.items() if not fault.hint}
    assert without_hint == {
        "http.port",  # the range is in the message
        "accounts.mg.region",  # the choices are in the message, and none is near
        "accounts.mg.quota.per_day",
        "accounts.mg.max_concurrency",
        "routes.default.accounts[2]",
        "routes.default.on_unknown",
        "retention.messages_days",
        "log.level",
    }


@pytest.mark.parametrize(
    ("line", "key", "hint"),
    [
        ("[htpp]\n", "htpp", "did you mean http?"),
        ("[http]\nprot = 1\n", "http.prot", "did you mean port?"),
        ("[http]\nqqq = 1\n", "http.qqq", "known here: host, page_origins, port, public_url, same_mail_window_s"),
        ("[retention]\nkey_days = 1\n", "retention.key_days", "did you mean keys_days?"),
        ("[routes.default]\naccount = ['one']\n", "routes.default.account", "did you mean accounts?"),
        (
            "[routes.default]\naccounts = [{ account = 'one', wieght = 1 }]\n",
            "routes.default.accounts[0].wieght",
            "did you mean weight?",
        ),
    ],
)
def test_an_unknown_key_is_named_with_its_place_and_the_nearest_known_one(only, line, key, hint):
    fault = only(ONE_ACCOUNT + line)
    assert (fault.key, fault.message, fault.hint) == (key, "is not a known key", hint)


@pytest.mark.parametrize("line", ["api_kee = 'x'", "max_concurency = 1", "quotas = { }", "recipient = ['*']"])
def test_an_unknown_key_of_an_account_is_sought_among_its_own_and_its_providers(only, line):
    fault = only(ONE_ACCOUNT + line)
    assert fault.key == "accounts.one." + line.partition(" ")[0]
    assert fault.hint.startswith("did you mean ")


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("[http]\nport = '80'\n", "http.port"),
        ("[http]\nport = true\n", "http.port"),
        ("[http]\nport = 0\n", "http.port"),
        ("[http]\nhost = 1\n", "http.host"),
        ("[http]\nhost = ''\n", "http.host"),
        ("[http]\npublic_url = 'mail.example.com'\n", "http.public_url"),
        ("[log]\nlevel = 2026-01-01\n", "log.level"),
        ("[events]\nsinks = 'stdout'\n", "events.sinks"),
        ("[events]\nsinks = [1]\n", "events.sinks[0]"),
        ("[events]\nsinks = ['file:']\n", "events.sinks[0]"),
        ("[events]\nsinks = ['stdout', 'stdout']\n", "events.sinks[1]"),
        ("[routes]\ndefault = 'one'\n", "routes.default"),
        ("[routes.default]\naccounts = 'one'\n", "routes.default.accounts"),
        ("[routes.default]\naccounts = [1]\n", "routes.default.accounts[0]"),
        ("[routes.default]\naccounts = [{ weight = 1 }]\n", "routes.default.accounts[0].account"),
        ("[routes.default]\naccounts = [{ account = 'one', weight = 0 }]\n", "routes.default.accounts[0].weight"),
        ("[routes.default]\ngive_up_after_s = nan\n", "routes.default.give_up_after_s"),
        ("[routes.default]\nresolve_within_s = inf\n", "routes.default.resolve_within_s"),
        ('[routes.default]\nallow_loss = ["header"]\n', "routes.default.allow_loss[0]"),
        ('[routes.default]\nallow_loss = "headers"\n', "routes.default.allow_loss"),
        ("[routes.'a b']\naccounts = ['one']\n", "routes.a b"),
        ("[accounts.'Ä']\nprovider = 'sendgrid'\napi_key = '$SENDGRID_API_KEY'\n", "accounts.Ä"),
        ("[accounts.x]\nprovider = 'sendgrid'\napi_key = 1.5\n", "accounts.x.api_key"),
        ("[accounts.x]\nprovider = 'sendgrid'\napi_key = ''\n", "accounts.x.api_key"),
        ("[accounts.x]\nprovider = 'sendgrid'\napi_key = '$'\n", "accounts.x.api_key"),
        ("[accounts.x]\nprovider = 'sendgrid'\n", "accounts.x.api_key"),
        ("[accounts.x]\nprovider = 3\n", "accounts.x.provider"),
        ("[accounts.x]\n", "accounts.x.provider"),
    ],
)
def test_a_wrong_value_is_one_fault_at_its_place(only, line, key):
    assert only(ONE_ACCOUNT + line).key == key


@pytest.mark.parametrize(
    "origin",
    [
        *(
            "*",
            "null",
            "page.example.com",
            "https://page.example.com/",
            "https://Page.example.com",
            "https://a@b.example",
        ),
        *(
            "https://page.example.com:443",
            "http://page.example.com:80",
            "https://*.example.com",
            "ftp://page.example.com",
        ),
    ],
)
def test_an_origin_that_no_browser_would_write_is_a_fault(faults, origin):
    found = faults(f"[http]\npage_origins = ['{origin}']\n{ONE_ACCOUNT}")
    assert found.keys() == {"http.page_origins[0]"}


def test_origins_may_come_from_the_environment(read):
    environ = ENVIRON | {"EVERPOST_HTTP_PAGE_ORIGINS": "https://page.example.com, http://localhost:8080"}
    settings = read(ONE_ACCOUNT, environ)
    assert settings.http.page_origins == ("https://page.example.com", "http://localhost:8080")


@pytest.mark.parametrize("zone", ["Mars/Phobos", "Europe", "../../etc/passwd", ""])
def test_a_time_zone_that_does_not_exist_is_a_fault(only, zone):
    assert only(f'{ONE_ACCOUNT}quota = {{ zone = "{zone}" }}').key == "accounts.one.quota.zone"


@pytest.mark.parametrize("pattern", ["", "example.com", "a b@example.com", "@", "a@b@c", "Ann <ann@example.com>"])
def test_a_bad_pattern_of_recipients_is_a_fault(only, pattern):
    assert only(f'{ONE_ACCOUNT}recipients = ["*", "{pattern}"]').key == "accounts.one.recipients[1]"


@pytest.mark.parametrize("domain", ["", "*@example.com", "ex ample.com", "-example.com", "example..com"])
def test_a_bad_sender_domain_is_a_fault(only, domain):
    assert only(f'{ONE_ACCOUNT}senders = ["example.org", "{domain}"]').key == "accounts.one.senders[1]"


def test_an_unknown_provider_lists_the_known_ones(only):
    fault = only('[accounts.x]\nprovider = "pigeon"\nfeathers = 3\n')
    assert fault.key == "accounts.x.provider"
    assert fault.hint == "known: mailgun, sendgrid, smtp"


def test_a_missing_provider_setting_says_what_it_is_for(faults):
    found = faults('[accounts.x]\nprovider = "mailgun"\n')
    assert found["accounts.x.domain"].hint == "the sending domain"
    assert "$NAME_OF_A_VARIABLE" in found["accounts.x.api_key"].hint


def test_a_variable_that_is_not_set_is_named(only):
    fault = only(ONE_ACCOUNT, {"SENDGRID_API_KEY": ""})
    assert fault.key == "accounts.one.api_key"
    assert "SENDGRID_API_KEY" in fault.message


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff"])
def test_a_secret_file_without_a_usable_text_is_a_fault(only, tmp_path, content):
    (tmp_path / "key").write_bytes(content)
    fault = only(f'[accounts.a]\nprovider = "sendgrid"\napi_key = "file:{tmp_path}/key"')
    assert fault.key == "accounts.a.api_key"
    assert str(tmp_path) in fault.message


def test_a_faulty_name_of_a_secret_is_told_with_the_forms_of_a_sound_one(only):
    fault = only('[accounts.a]\nprovider = "sendgrid"\napi_key = "ssm:key"')
    assert (fault.key, fault.message) == ("accounts.a.api_key", "begins as the name of a secret, and is none")
    assert "ssm:/NAME" in fault.hint


def test_a_secret_file_that_can_not_be_read_says_why(only, tmp_path):
    fault = only(f'[accounts.a]\nprovider = "sendgrid"\napi_key = "file:{tmp_path}"')
    assert "Is a directory" in fault.message


def test_an_account_in_a_route_that_is_not_configured_gets_the_nearest_name(only):
    fault = only(ONE_ACCOUNT + '[routes.default]\naccounts = ["onee"]')
    assert fault == ConfigFault("routes.default.accounts[0]", "'onee' is not a configured account", "did you mean one?")


def test_a_file_without_accounts_is_a_fault(only):
    assert only("").key == "accounts"


def test_a_file_that_is_not_there_and_one_that_can_not_be_read_are_told_apart(tmp_path):
    [missing] = load(tmp_path / "no.toml", {}, PROVIDERS)
    [folder] = load(tmp_path, {}, PROVIDERS)
    assert (missing.message, missing.hint) == (
        "can't be read: No such file or directory",
        "start from everpost.example.toml",
    )
    assert (folder.message, folder.hint) == ("can't be read: Is a directory", "name a file that this user may read")


def test_a_byte_order_mark_before_the_first_key_does_no_harm(tmp_path):
    path = tmp_path / "everpost.toml"
    path.write_bytes(b"\xef\xbb\xbf" + EXAMPLE.read_bytes())
    settings = load(path, ENVIRON, PROVIDERS)
    assert not isinstance(settings, list), settings


def test_a_file_that_is_not_toml_says_where(only):
    fault = only("[http\nport = 1")
    assert fault.key.endswith("everpost.toml")
    assert "line 1" in fault.message


def test_a_file_that_is_not_there_says_so(tmp_path):
    (fault,) = load(tmp_path / "none.toml", {}, PROVIDERS)
    assert fault.key == str(tmp_path / "none.toml")
    assert "No such file" in fault.message


def test_settings_can_not_be_changed(read):
    with pytest.raises(AttributeError):
        read(ONE_ACCOUNT).data = Path("/")
    assert msgspec.structs.replace(read(ONE_ACCOUNT), log_level="error").log_level == "error"


# --- what a provider's setting must look like ---

FORMED = {
    "relay": provider(
        "relay",
        Setting(name="host", form=Form.HOST, help="the server"),
        Setting(name="port", form=Form.PORT, help="its port"),
        Setting(name="domain", form=Form.DOMAIN, help="the sending domain"),
        Setting(name="base_url", form=Form.URL, help="of the API"),
        Setting(name="note", help="anything"),
    )
}


@pytest.fixture
def formed(tmp_path):
    def formed(line):
        path = tmp_path / "everpost.toml"
        path.write_text(f'[accounts.a]\nprovider = "relay"\n{line}\n')
        return load(path, {}, FORMED)

    return formed


@pytest.mark.parametrize(
    "line",
    [
        *('host = "smtp.example.com"', 'host = "localhost"', 'host = "192.0.2.1"', 'host = "2001:db8::1"'),
        *("port = 1", 'port = "65535"', 'domain = "mg.Example.com"', 'domain = "sandbox0123.mailgun.org"'),
        *('base_url = "https://api.example.com"', 'base_url = "http://127.0.0.1:8026/"', 'note = "a/b c"'),
    ],
)
def test_a_setting_of_the_right_form_is_taken(formed, line):
    assert not isinstance(formed(line), list)


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ('host = "smtp.example.com:587"', "a name or address of a server"),
        ('host = "https://smtp.example.com"', "a name or address of a server"),
        ('host = "smtp .example.com"', "a name or address of a server"),
        ("port = 0", "a port, from 1 to 65535"),
        ("port = 65536", "a port, from 1 to 65535"),
        ('port = "smtp"', "a port, from 1 to 65535"),
        ('port = "²"', "a port, from 1 to 65535"),
        ('domain = "https://mg.example.com"', "a domain"),
        ('domain = "mg.example.com/v3"', "a domain"),
        ('domain = "ann@example.com"', "a domain"),
        ('base_url = "api.example.com"', "an address"),
        ('base_url = "ftp://api.example.com"', "an address"),
        ('base_url = "https://:443"', "an address"),
        ('base_url = "https://api.example.com:port"', "an address"),
        ('base_url = "https://[::1"', "an address"),
    ],
)
def test_a_setting_of_another_form_is_a_fault_before_a_mail_meets_it(formed, line, wanted):
    (fault,) = formed(line)
    assert fault.key == f"accounts.a.{line.partition(' ')[0]}"
    assert fault.message.startswith(f"must be {wanted}")


@pytest.mark.parametrize("name", list(Form))
def test_every_form_is_described(name):
    is_sound, described = FORMS[name]
    assert described
    assert not is_sound("")


# --- the tables of keys ---

PLACES = {
    "": 'qqqqqq = 1\n[accounts.a]\nprovider = "smtp"\nhost = "h"\n',
    "http": "[http]\nqqqqqq = 1\n",
    "accounts.NAME": '[accounts.a]\nprovider = "smtp"\nhost = "h"\nqqqqqq = 1\n',
    "accounts.NAME.quota": "[accounts.one.quota]\nqqqqqq = 1\n",
    "accounts.NAME.timeouts": "[accounts.one.timeouts]\nqqqqqq = 1\n",
    "routes.NAME": "[routes.default]\nqqqqqq = 1\n",
    "routes.NAME.accounts[]": "[[routes.default.accounts]]\naccount = 'one'\nqqqqqq = 1\n",
    "work": "[work]\nqqqqqq = 1\n",
    "submission": "[submission]\nqqqqqq = 1\n",
    "events": "[events]\nqqqqqq = 1\n",
    "webhooks": "[webhooks]\nqqqqqq = 1\n",
    "retention": "[retention]\nqqqqqq = 1\n",
    "log": "[log]\nqqqqqq = 1\n",
}


@pytest.mark.parametrize("place", TABLES)
def test_the_keys_that_are_read_are_those_of_the_tables(only, place):
    """The reference page is made of the tables: it may leave out nothing, and promise nothing."""
    text = PLACES[place] if "[accounts.a]" in PLACES[place] else ONE_ACCOUNT + PLACES[place]
    known = set(only(text).hint.removeprefix("known here: ").split(", "))
    below = [path.removeprefix(place).removeprefix(".") for path in TABLES if path.startswith(place) and path != place]
    expected = {key.name for key in TABLES[place].keys} | {path.partition(".")[0].removesuffix("[]") for path in below}
    if place == "accounts.NAME":
        expected |= {setting.name for setting in PROVIDERS["smtp"].settings}
    assert known == expected


def test_every_key_has_a_meaning_and_every_variable_a_key():
    keys = {f"{place}.{key.name}".removeprefix("."): key for place, table in TABLES.items() for key in table.keys}
    assert all(key.help.endswith(".") for key in keys.values())
    assert {key for key, _ in VARIABLES.values()} <= keys.keys()


NAMED = [
    ("store", "sqlite", SqliteStore()),
    ("store", "dynamodb:mail", DynamoStore(table="mail")),
    ("store", "dynamodb:mail?bodies=mail-bodies", DynamoStore(table="mail", bodies="mail-bodies")),
    (
        "store",
        "postgres://u@h/mail",
        PostgresStore(host="h", port=5432, user="u", database="mail", sslmode="verify-full"),
    ),
    (
        "store",
        "postgres://u%40x@h:6432/mail?sslmode=verify-ca&sslrootcert=/ca.pem",
        PostgresStore(
            host="h", port=6432, user="u@x", database="mail", sslmode="verify-ca", sslrootcert=Path("/ca.pem")
        ),
    ),
    ("health", "store", StoreHealth()),
    ("health", "valkey://cache", ValkeyPlace(host="cache", port=6379, tls=False)),
    ("health", "valkeys://everpost@cache:7000", ValkeyPlace(host="cache", port=7000, tls=True, user="everpost")),
    (
        "health",
        "valkeys://cache:6379?cluster=true&iam=everpost,cache-1",
        ValkeyPlace(
            host="cache", port=6379, tls=True, login=IamLogin(user="everpost", cache="cache-1", serverless=False)
        ),
    ),
    ("wakeup", "memory", MemoryWakeup()),
    ("wakeup", "valkeys://everpost@cache:7000", ValkeyPlace(host="cache", port=7000, tls=True, user="everpost")),
    (
        "wakeup",
        "sqs:https://sqs.eu-central-1.amazonaws.com/1/q",
        QueueWakeup("https://sqs.eu-central-1.amazonaws.com/1/q"),
    ),
]


@pytest.mark.parametrize(("key", "text", "place"), NAMED)
def test_a_text_says_where_a_part_is_in_the_file_or_in_the_environment(read, key, text, place):
    assert getattr(read(f"{key} = {text!r}\n{ONE_ACCOUNT}"), key) == place
    assert getattr(read(ONE_ACCOUNT, {**ENVIRON, f"EVERPOST_{key.upper()}": text}), key) == place


def test_only_postgresql_wakes_others(read, faults):
    assert "calls nobody" in faults(f"wakeup = 'store'\n{ONE_ACCOUNT}")["wakeup"].message
    settings = read(f"wakeup = 'store'\nstore = 'postgres://u@h/mail'\n{ONE_ACCOUNT}")
    assert settings.wakeup == StoreWakeup()


def test_events_may_go_to_a_stream(read):
    settings = read(ONE_ACCOUNT, {**ENVIRON, "EVERPOST_EVENTS_SINKS": "kinesis:trail,kinesis:b?dlq=https://sqs/1/q"})
    assert settings.sinks == (KinesisSink(stream="trail"), KinesisSink(stream="b", dead_letters="https://sqs/1/q"))


KAFKA = "kafka:trail?brokers=a.example:9092"
KAFKAS = [
    (KAFKA, KafkaSink(topic="trail", brokers=("a.example:9092",))),
    (
        "kafka:t?brokers=[::1]:9092,b:1&dlq=t.dead",
        KafkaSink(topic="t", brokers=("[::1]:9092", "b:1"), dead_letters="t.dead"),
    ),
    (f"{KAFKA}&tls=true", KafkaSink(topic="trail", brokers=("a.example:9092",), tls=True)),
    (
        f"{KAFKA}&tls=true&user=ann",
        KafkaSink(topic="trail", brokers=("a.example:9092",), tls=True, user="ann", password=SECRET),
    ),
    (
        f"{KAFKA}&user=ann&mechanism=SCRAM-SHA-512",
        KafkaSink(
            topic="trail",
            brokers=("a.example:9092",),
            user="ann",
            mechanism=Mechanism.SCRAM_SHA_512,
            password=SECRET,
        ),
    ),
]


@pytest.mark.parametrize(("text", "place"), KAFKAS)
def test_events_may_go_to_a_topic(read, text, place):
    sinks = f"[events]\nsinks = [{text!r}]\nkafka_password = '$PASSWORD'\n"
    assert read(sinks + ONE_ACCOUNT, {**ENVIRON, "PASSWORD": SECRET}).sinks == (place,)
    settings = read(ONE_ACCOUNT, {**ENVIRON, "EVERPOST_EVENTS_SINKS": text, "EVERPOST_KAFKA_PASSWORD": SECRET})
    assert settings.sinks == (place,)
    assert SECRET not in repr(settings)
    assert settings.warnings == ()


def test_commas_stand_between_sinks_and_between_brokers(read):
    listed = "stdout, kafka:t?brokers=kafka:9092,kafka:9093&dlq=d ,file:/x,kafka:u?brokers=a:1"
    assert read(ONE_ACCOUNT, {**ENVIRON, "EVERPOST_EVENTS_SINKS": listed}).sinks == (
        StdoutSink(),
        KafkaSink(topic="t", brokers=("kafka:9092", "kafka:9093"), dead_letters="d"),
        FileSink(Path("/x")),
        KafkaSink(topic="u", brokers=("a:1",)),
    )


def test_the_password_of_a_topic_may_be_kept_elsewhere(read):
    (sink,) = read(
        f"[events]\nsinks = ['{KAFKA}&tls=true&user=ann']\nkafka_password = 'ssm:/kafka/password'\n{ONE_ACCOUNT}"
    ).sinks
    assert isinstance(sink.password, Reference)


@pytest.mark.parametrize(
    "sink",
    [
        "kafka:",
        "kafka:t",
        "kafka:t?brokers=",
        "kafka:t?brokers=a",
        "kafka:t?brokers=a:b",
        "kafka:t?brokers=a:1,",
        "kafka:t/u?brokers=a:1",
        "kafka:t?brokers=a:1&dlq=",
        "kafka:t?brokers=a:1&tls=yes",
        "kafka:t?brokers=a:1&user=ann",
        "kafka:t?brokers=a:1&tls=true&user=ann&mechanism=GSSAPI",
        "kafka:t?brokers=a:1&mechanism=SCRAM-SHA-512",
        "kafka:t?brokers=a:1&acks=1",
    ],
)
def test_a_topic_that_is_none_is_told(faults, sink):
    assert (
        "`kafka:TOPIC?brokers=HOST:PORT"
        in faults(f"[events]\nsinks = [{sink!r}]\n{ONE_ACCOUNT}")["events.sinks[0]"].hint
    )


def test_a_user_without_a_password_is_told(faults):
    told = faults(f"[events]\nsinks = ['{KAFKA}&tls=true&user=ann']\n{ONE_ACCOUNT}")["events.sinks[0]"]
    assert "password" in told.message
    assert "kafka_password" in told.hint


def test_two_sinks_that_would_share_a_cursor_are_told(faults):
    two = f"['{KAFKA}', 'kafka:trail?brokers=b:1']"
    assert "twice" in faults(f"[events]\nsinks = {two}\n{ONE_ACCOUNT}")["events.sinks[1]"].message


def test_the_password_of_the_shared_health_stays_hidden(read):
    environ = {**ENVIRON, "EVERPOST_HEALTH": "valkeys://cache", "EVERPOST_HEALTH_PASSWORD": SECRET}
    settings = read(ONE_ACCOUNT, environ)
    assert settings.health.password == SECRET
    assert SECRET not in repr(settings)


CACHE = {"EVERPOST_HEALTH": "valkeys://cache", "EVERPOST_HEALTH_PASSWORD": SECRET}


@pytest.mark.parametrize(
    ("environ", "password"),
    [
        ({"EVERPOST_WAKEUP": "valkeys://cache"}, SECRET),  # the same server and user
        ({"EVERPOST_WAKEUP": "valkeys://cache", "EVERPOST_WAKEUP_PASSWORD": "another"}, "another"),
        ({"EVERPOST_WAKEUP": "valkeys://other"}, None),
        ({"EVERPOST_WAKEUP": "valkeys://somebody@cache"}, None),
        ({"EVERPOST_WAKEUP": "valkey://cache"}, None),  # where everybody could read it
    ],
)
def test_the_password_of_the_shared_health_goes_for_wakeups_by_the_same_server_and_to_nobody_else(
    read, environ, password
):
    settings = read(ONE_ACCOUNT, ENVIRON | CACHE | environ)
    assert settings.wakeup.password == password
    assert "another" not in repr(settings)


def test_where_a_worker_says_how_it_is_may_be_chosen(read):
    assert read(ONE_ACCOUNT).work == WorkSettings(host="127.0.0.1", port=8030)
    environ = ENVIRON | {"EVERPOST_WORK_HOST": "0.0.0.0", "EVERPOST_WORK_PORT": "9000"}
    assert read(ONE_ACCOUNT, environ).work == WorkSettings(host="0.0.0.0", port=9000)


WRONG_PLACES = [
    ("store", "mongodb:mail", "`sqlite`, or `postgres://USER@HOST:PORT/DATABASE"),
    ("store", "postgresql://u@h/mail", "did you mean postgres?"),
    ("store", "postgres://h/mail", "`postgres://USER@HOST:PORT/DATABASE"),
    ("store", "postgres://u@h", "`postgres://USER@HOST:PORT/DATABASE"),
    ("store", "postgres://u@h:port/mail", "`postgres://USER@HOST:PORT/DATABASE"),
    ("store", "postgres://u@h/mail?sslmode=prefer", "disable|require|verify-ca|verify-full"),
    ("store", "postgres://u@h/mail?options=x", "`postgres://USER@HOST:PORT/DATABASE"),
    ("store", "dynamo:mail", "did you mean dynamodb?"),
    ("store", "dynamodb:", "`dynamodb:TABLE`"),
    ("store", "sqlite:x", "`sqlite`"),
    ("store", "dynamodb:mail?bucket=b", "bodies=BUCKET"),
    ("store", "dynamodb:mail?bodies", "bodies=BUCKET"),
    ("health", "redis://cache", "`store`, or `valkey://HOST:PORT`"),
    ("health", "valkey://", "`valkey://HOST:PORT`"),
    ("health", "valkey://cache:port", "`valkey://HOST:PORT`"),
    ("health", "valkeys://cache?iam=user", "iam=USER,CACHE"),
    ("health", "valkey://cache?iam=user,cache", "`valkey://HOST:PORT`"),
    ("health", "valkey://cache/0", "`valkey://HOST:PORT`"),
    ("wakeup", "sqs:queue", "`sqs:URL-OF-THE-QUEUE`"),
    ("wakeup", "memory:1", "`memory`"),
    ("wakeup", "valkey://cache?iam=user,cache", "`valkey://HOST:PORT`"),
]


@pytest.mark.parametrize(("key", "text", "hint"), WRONG_PLACES)
def test_a_text_that_names_no_place_is_told_with_what_may_be_written(faults, key, text, hint):
    fault = faults(f"{key} = {text!r}\n{ONE_ACCOUNT}")[key]
    assert text in fault.message
    assert hint in fault.hint


@pytest.mark.parametrize(("key", "text"), [("store", "postgres://u:{}@h/mail"), ("health", "valkeys://u:{}@cache")])
def test_a_password_in_an_address_is_a_fault_that_does_not_repeat_it(faults, key, text):
    fault = faults(f"{key} = {text.format(SECRET)!r}\n{ONE_ACCOUNT}")[key]
    assert text.format("***") in fault.message
    assert SECRET not in repr(fault)


def test_the_password_of_the_store_stays_hidden_and_may_stand_elsewhere(read, tmp_path):
    (tmp_path / "key").write_text(SECRET)
    text = f'store = "postgres://u@h/mail"\nstore_password = "file:{tmp_path}/key"\n{ONE_ACCOUNT}'
    assert read(text).store.password == SECRET
    assert SECRET not in repr(read(text))
    elsewhere = read(text, {**ENVIRON, "EVERPOST_STORE_PASSWORD": "secretsmanager:mail#password"}).store.password
    assert isinstance(elsewhere, Reference)


def test_a_password_of_the_store_in_the_environment_is_no_open_secret(read):
    text, environ = f'store = "postgres://u@h/mail"\n{ONE_ACCOUNT}', {**ENVIRON, "EVERPOST_STORE_PASSWORD": SECRET}
    assert read(text, environ, mode=0o644).warnings == ()
    written = read(f"store_password = {SECRET!r}\n{text}", mode=0o644)
    assert [warning.key for warning in written.warnings] == ["store_password"]


@pytest.mark.parametrize("sink", ["kinesis:", "kinesis:b?dlq=q", "kinesis:b?x=1"])
def test_a_stream_that_is_none_is_told(faults, sink):
    assert "`kinesis:STREAM`" in faults(f"[events]\nsinks = [{sink!r}]\n{ONE_ACCOUNT}")["events.sinks[0]"].hint


def test_a_text_from_elsewhere_is_read_as_a_file_and_its_faults_name_where_that_was():
    assert load_text(ONE_ACCOUNT, "ssm:/config", ENVIRON, PROVIDERS).accounts[0].name == "one"
    assert load_text("x", "ssm:/config", ENVIRON, PROVIDERS)[0].key == "ssm:/config"


def test_where_mail_is_kept_is_known_without_a_file_and_without_secrets(tmp_path):
    missing = tmp_path / "nothing.toml"
    place, _ = store_place(missing, {"EVERPOST_STORE": "dynamodb:mail"})
    assert place == DynamoStore(table="mail")
    file = tmp_path / "everpost.toml"
    file.write_text(f"store = 'dynamodb:mail'\n{ONE_ACCOUNT}")
    assert store_place(file, {"EVERPOST_DATA": "/x"}) == (DynamoStore(table="mail"), Path("/x"))
    assert isinstance(store_place(missing, {}), list)


# --- webhooks ---


def test_networks_of_ones_own_may_be_opened_to_webhooks(read):
    found = read(ONE_ACCOUNT + '[webhooks]\nallow = ["10.0.0.0/8", "fd00::/8"]\nplain_http = true\n').webhooks
    assert [str(network) for network in found.allow] == ["10.0.0.0/8", "fd00::/8"]
    assert found.plain_http
    variables = {"EVERPOST_WEBHOOKS_ALLOW": "10.0.0.0/8, fd00::/8", "EVERPOST_WEBHOOKS_PLAIN_HTTP": "True"}
    assert read(ONE_ACCOUNT, ENVIRON | variables).webhooks == found


def test_by_default_nothing_of_ones_own_is(read):
    assert read(ONE_ACCOUNT).webhooks == WebhookSettings()


@pytest.mark.parametrize("text", ["10.0.0.1/8", "10.0.0", "hooks.example.com", "10.0.0.0/33"])
def test_what_is_no_network_is_told(only, text):
    fault = only(ONE_ACCOUNT + f'[webhooks]\nallow = ["{text}"]\n')
    assert (fault.key, "is not a network" in fault.message) == ("webhooks.allow[0]", True)


def test_what_is_neither_true_nor_false_is_told(only):
    assert "true or false" in only(ONE_ACCOUNT + "[webhooks]\nplain_http = 1\n").message


def test_mail_is_taken_by_smtp_where_the_file_says_and_nowhere_by_itself(read):
    assert read(ONE_ACCOUNT).submission == SubmissionSettings()
    table = """
[submission]
host = "0.0.0.0"
starttls_port = 587
plain_port = 2525
certificate = "/tls/cert.pem"
private_key = "/tls/key.pem"
"""
    found = read(ONE_ACCOUNT + table, ENVIRON | {"EVERPOST_SUBMISSION_TLS_PORT": "465"}).submission
    assert (found.host, found.starttls_port, found.tls_port, found.plain_port) == ("0.0.0.0", 587, 465, 2525)
    assert found.tls == TlsFiles(certificate=Path("/tls/cert.pem"), private_key=Path("/tls/key.pem"))


@pytest.mark.parametrize(
    ("lines", "key", "message"),
    [
        ("starttls_port = 587", "submission.starttls_port", "needs a certificate"),
        ("tls_port = 465", "submission.tls_port", "needs a certificate"),
        ('certificate = "a.pem"', "submission.certificate", "is one half of two"),
        ('private_key = "a.pem"', "submission.private_key", "is one half of two"),
    ],
)
def test_a_port_with_tls_needs_both_halves_of_a_certificate(only, lines, key, message):
    fault = only(f"{ONE_ACCOUNT}[submission]\n{lines}\n")
    assert (fault.key, fault.message) == (key, message)
