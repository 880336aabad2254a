"""Signatures: AWS's own published examples, and agreement with AWS's own client on any request."""

import calendar
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials
from hypothesis import given
from hypothesis import strategies as st

from everpost.aws.signing import Credentials, Scope, signed
from everpost.aws.transport import Request

IAM = Credentials(access_key_id="AKIDEXAMPLE", secret_access_key="wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
S3 = Credentials(access_key_id="AKIAIOSFODNN7EXAMPLE", secret_access_key="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
AUGUST = calendar.timegm((2015, 8, 30, 12, 36, 0))
MAY = calendar.timegm((2013, 5, 24, 0, 0, 0))


def signature(request, credentials, scope, at):
    return signed(request, credentials, scope, at).headers["Authorization"].rpartition("Signature=")[2]


def test_the_example_of_the_reference_has_the_published_signature():
    """Signature Version 4, "GET https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08"."""
    request = Request(
        method="GET",
        url="https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08",
        headers={"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"},
    )
    authorization = signed(request, IAM, Scope("us-east-1", "iam"), AUGUST).headers["Authorization"]
    assert authorization == (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request,"
        " SignedHeaders=content-type;host;x-amz-date,"
        " Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
    )


def test_a_bare_request_has_the_published_signature():
    """`get-vanilla` of AWS's test suite."""
    request = Request(method="GET", url="https://example.amazonaws.com/", headers={})
    told = signature(request, IAM, Scope("us-east-1", "service"), AUGUST)
    assert told == "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"


@pytest.mark.parametrize(
    ("request_", "published"),
    [
        (
            Request(
                method="GET",
                url="https://examplebucket.s3.amazonaws.com/test.txt",
                headers={"Range": "bytes=0-9"},
            ),
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        ),
        (
            Request(
                method="PUT",
                url="https://examplebucket.s3.amazonaws.com/test%24file.text",
                headers={"Date": "Fri, 24 May 2013 00:00:00 GMT", "X-Amz-Storage-Class": "REDUCED_REDUNDANCY"},
                body=b"Welcome to Amazon S3.",
            ),
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
        ),
    ],
)
def test_the_examples_of_s3_have_the_published_signatures(request_, published):
    """Amazon S3, "Signature Calculations for the Authorization Header"."""
    assert signature(request_, S3, Scope("us-east-1", "s3"), MAY) == published


WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\x7f", exclude_categories=["C"]), max_size=12)
QUERIES = st.lists(st.tuples(WORDS, WORDS), max_size=4).map(
    lambda pairs: "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs)
)
PATHS = st.lists(WORDS.filter(lambda word: word not in ("", ".", "..")), max_size=3).map(
    lambda words: "/" + "/".join(quote(word, safe="") for word in words)
)
HEADER_VALUES = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=12)


@given(
    path=PATHS,
    query=QUERIES,
    values=st.lists(HEADER_VALUES, max_size=3),
    body=st.binary(max_size=64),
    token=st.none() | st.just("a/token+of=some"),
    service=st.sampled_from(["dynamodb", "s3", "kinesis"]),
    port=st.sampled_from(["", ":443", ":4566"]),
)
def test_any_request_is_signed_as_awss_own_client_signs_it(path, query, values, body, **asked):
    token, service, port = asked["token"], asked["service"], asked["port"]
    url = f"https://host.example{port}{path}" + (f"?{query}" if query else "")
    headers = {f"X-Name-{number}": value for number, value in enumerate(values)}
    ours = signed(
        Request(method="POST", url=url, headers=headers, body=body),
        Credentials(access_key_id="AKID", secret_access_key="secret", session_token=token),
        Scope("eu-central-1", service),
        AUGUST,
    )
    theirs = AWSRequest(method="POST", url=url, data=body, headers=headers)
    signer = (S3SigV4Auth if service == "s3" else SigV4Auth)(
        BotoCredentials("AKID", "secret", token), service, "eu-central-1"
    )
    theirs.context["payload_signing_enabled"] = True
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("botocore.auth.get_current_datetime", lambda *_: datetime.fromtimestamp(AUGUST, tz=UTC))
        signer.add_auth(theirs)
    assert ours.headers["Authorization"] == theirs.headers["Authorization"]
