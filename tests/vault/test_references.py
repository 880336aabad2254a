"""Names of secrets."""

import pytest

from everpost.model.secret import Reference, Secret, Source, is_reference

ARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:mail/keys-AbCdEf"


@pytest.mark.parametrize(
    ("text", "source", "key"),
    [
        ("ssm:/mail/api-key", Source("ssm", "/mail/api-key"), None),
        ("ssm:/mail/keys#one", Source("ssm", "/mail/keys"), "one"),
        ("secretsmanager:mail/keys", Source("secretsmanager", "mail/keys"), None),
        (f"secretsmanager:{ARN}#api_key", Source("secretsmanager", ARN), "api_key"),
    ],
)
def test_a_reference_says_where_a_secret_is(text, source, key):
    reference = Reference(text)
    assert is_reference(text)
    assert reference.is_sound
    assert (reference.source, reference.key) == (source, key)


@pytest.mark.parametrize(
    "text",
    ["ssm:", "ssm:name", "ssm:/a b", "ssm:/a#", "secretsmanager:", "secretsmanager:a\nb", "secretsmanager:#key"],
)
def test_a_text_that_only_begins_as_one_is_not_sound(text):
    assert is_reference(text)
    assert not Reference(text).is_sound


@pytest.mark.parametrize("text", ["", "SG.key", "ssmx:/a", "key-ssm:/a"])
def test_other_texts_are_values(text):
    assert not is_reference(text)


def test_a_secret_does_not_show_itself():
    assert repr({"key": Secret("s3cr3t-canary")}) == "{'key': '***'}"
