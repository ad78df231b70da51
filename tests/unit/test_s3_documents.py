"""Objects of S3 in documents and settings, keys in secrets, and how requests are signed with them."""

from datetime import datetime
from typing import Any

import pytest

from api.engine import s3_faults
from api.engine.s3_signing import Keys, quoted_path, quoted_query, signed
from stringx_dataops.contract.buckets import Bucket, endpoint_of
from stringx_dataops.contract.settings import ROOT, read_settings
from stringx_dataops.contract.variables import SettingsError
from tests.support.s3_server import MODULE, VERSION
from tests.unit.test_duckdb_files import CSV, faults, target

S3 = {"region": "eu-central-1", "credentials_file": "keys"}
ON_S3 = {"a.b": "s3://lake/b.parquet"}
EXAMPLE = Keys("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")  # of AWS's documentation


def test_a_target_names_objects_their_storage_and_where_its_keys_are() -> None:
    made = target(
        s3=S3, locations={"a.b": "s3://lake/o/*/part-?.parquet"}, csv_locations={"a.c": CSV | {"files": "s3://la.ke/x.csv.gz"}}
    )
    assert made.s3 is not None
    assert (made.s3.endpoint, made.s3.region, made.s3.anonymous) == (None, "eu-central-1", False)
    assert target(s3={"anonymous": True}, locations=ON_S3).s3 is not None
    assert target(s3=S3 | {"credentials_file": "lake/keys"}, locations=ON_S3 | {"a.c": "/d/c.parquet"}).s3 is not None
    spelled = target(s3=S3 | {"endpoint": "HTTPS://Minio.example.com:443/"}, locations=ON_S3)
    assert spelled.s3 is not None
    assert spelled.s3.endpoint == "https://minio.example.com"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"locations": ON_S3}, "/locations has a.b on S3, and the target says nothing of the storage: give s3, such as {region:"),
        ({"csv_locations": {"a.b": CSV | {"files": "s3://lake/b.csv"}}}, "/csv_locations has a.b on S3, and the target says nothing"),
        ({"s3": S3, "locations": {"a.b": "/d/b.parquet"}}, "/locations s3 is given, and nothing lies on S3: leave it out"),
        *[({"s3": S3, "locations": {"a.b": f"s3://{text}"}}, f"/locations/a.b {words}") for text, words in (
            ("lake*/b.parquet", "has * ? or [ in the name of its bucket; name one bucket"),
            ("Lake/b.parquet", "names no bucket"),
            ("/b.parquet", "names no bucket"),
            ("user@lake/b.parquet", "names no bucket"),
            ("lake:80/b.parquet", "names no bucket"),
            ("lake/../b.parquet", "holds .. or . or an empty part"),
            ("lake//b.parquet", "holds .. or . or an empty part"),
            ("lake/./b.parquet", "holds .. or . or an empty part"),
            ("lake/a\\b.parquet", "holds a character that cannot be printed, or a backslash"),
            ("lake/a\nb.parquet", "holds a character that cannot be printed, or a backslash"),
            ("lake/**/b.parquet", "holds **; write one * per folder"),
            ("lake/b.csv", "names files of CSV, which have no types"),
            ("lake/b.parquet?versionId=1", "names no files of Parquet"),
        )],
        *[({"s3": S3 | {"endpoint": text}, "locations": ON_S3}, "/s3/endpoint is no address of a server") for text in (
            "minio.example.com", "ftp://minio", "https://minio/path", "https://u:p@minio", "https://minio?x", "https://", "https://minio:0",
            "https://mi nio", "https://minio:x", "https://[::1", "http://minio#a", "https://minio\\@x", "https://-",
        )],
        ({"s3": {}, "locations": ON_S3}, "/s3 names no keys: give credentials_file or credentials_env, or anonymous: true"),
        ({"s3": S3 | {"anonymous": True}, "locations": ON_S3}, "/s3/anonymous and credentials are both given; keep one"),
        ({"s3": S3 | {"credentials_env": "TARGET_LAKE"}, "locations": ON_S3}, "/s3/credentials_file and credentials_env are both given"),
        ({"s3": {"credentials_env": "AWS_SECRET_ACCESS_KEY"}, "locations": ON_S3}, "/s3/credentials_env is no variable of a target's password"),
        ({"s3": {"credentials_file": "../keys"}, "locations": ON_S3}, "/s3/credentials_file is no name of a file in STRINGX_SECRETS"),
        ({"s3": {"credentials_file": "shop/keys"}, "locations": ON_S3}, "/s3 lies in the folder of the target shop, whose files serve that target alone"),
        ({"s3": S3 | {"region": "eu.central"}, "locations": ON_S3}, "/s3/region is no region"),
        ({"s3": S3 | {"region": "a/b"}, "locations": ON_S3}, "/s3/region is no region"),
        ({"s3": S3 | {"secret_access_key": "x"}, "locations": ON_S3}, "/s3/secret_access_key unknown field"),
        ({"s3": S3, "path": "/d/x.duckdb"}, "s3 is given, and nothing lies on S3"),
    ],
)  # fmt: skip
def test_a_document_is_refused_in_one_line(fields: dict[str, Any], words: str) -> None:
    assert words in faults(**fields)


def test_another_server_is_another_database_and_other_keys_are_not() -> None:
    hashes = [target(s3=S3 | {"endpoint": each}, locations=ON_S3).database_hash for each in (None, "https://a", "https://b")]
    assert len(set(hashes)) == 3
    assert target(s3={"region": S3["region"], "anonymous": True}, locations=ON_S3).database_hash == hashes[0]


def test_another_region_of_aws_is_another_database() -> None:
    """Names of buckets are of one partition of AWS."""
    regions = ("us-east-1", "cn-north-1")
    assert len({target(s3=S3 | {"region": each}, locations=ON_S3).database_hash for each in regions}) == 2
    on_a_server = S3 | {"endpoint": "https://a"}
    assert len({target(s3=on_a_server | {"region": each}, locations=ON_S3).database_hash for each in regions}) == 1


def test_the_buckets_are_a_setting() -> None:
    read = read_settings(
        {"DUCKDB_BUCKETS": "s3://lake, s3://la.ke/orders/,http://127.0.0.1:7070/lake,https://[::1]:443/lake/a/b"}
    )
    assert read.duckdb_buckets == (
        Bucket(None, "lake", ""),
        Bucket(None, "la.ke", "orders/"),
        Bucket("http://127.0.0.1:7070", "lake", ""),
        Bucket("https://[::1]", "lake", "a/b/"),
    )
    assert read_settings({}).duckdb_buckets == ()
    wrong = (
        "lake",
        "s3://",
        "s3://la",
        "s3://Lake",
        "s3://lake*",
        "s3://lake/*",
        "s3://lake/../x",
        "s3://lake//x",
        "/lake",
        "gs://lake",
    )
    for text in (
        *wrong,
        "https://minio",
        "https://minio/",
        "https://u@minio/lake",
        "https://minio/lake?x",
        "https://minio:x/lake",
    ):
        with pytest.raises(SettingsError, match=r"DUCKDB_BUCKETS holds .*; give buckets of AWS such as s3://lake"):
            read_settings({"DUCKDB_BUCKETS": f"s3://good,{text}"})


def test_a_bucket_covers_what_lies_below_it() -> None:
    lake = Bucket(None, "lake", "orders/")
    assert lake.holds(None, "lake", "orders/a.parquet")
    assert lake.holds(None, "lake", "orders/")
    for other in (
        (None, "lake", "orders"),
        (None, "lake", "orders2/a"),
        (None, "lake", ""),
        ("https://a", "lake", "orders/a"),
        (None, "x", "orders/a"),
    ):
        assert not lake.holds(*other)


def test_an_address_has_one_spelling() -> None:
    assert endpoint_of("HTTP://A.b:80") == endpoint_of("http://a.b/") == "http://a.b"
    assert endpoint_of("https://a.b:80") == "https://a.b:80"


def test_keys_are_written_as_in_awss_file() -> None:
    text = "[default]\n# of the lake\naws_access_key_id = AK\n\n  aws_secret_access_key=s+/=\naws_session_token = t==\n"
    assert Keys.parse(text) == Keys("AK", "s+/=", "t==")
    assert Keys.parse("aws_secret_access_key = s\naws_access_key_id = AK") == Keys("AK", "s")
    assert "s+/=" not in repr(Keys.parse(text))
    for wrong in (
        "",
        "AK:s",
        "aws_access_key_id = AK",
        text + "[other]\n",
        text + text,
        "aws_access_key_id = a b",
        "region = x",
        "x" * 20_000,
    ):
        with pytest.raises(ValueError, match="write aws_access_key_id = … and aws_secret_access_key = …") as refused:
            Keys.parse(wrong)
        assert wrong == "" or wrong not in str(refused.value)


def test_requests_are_signed_as_in_awss_examples() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html"""
    host, at = "examplebucket.s3.amazonaws.com", datetime(2013, 5, 24)
    read = signed("GET", host, "/test.txt", "", {"Range": "bytes=0-9"}, "us-east-1", EXAMPLE, at)["authorization"]
    assert read.endswith("Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41")
    query = quoted_query({"prefix": "J", "max-keys": "2"})
    listed = signed("GET", host, "/", query, {}, "us-east-1", EXAMPLE, at)["authorization"]
    assert listed.endswith("Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7")
    with_token = signed("GET", host, "/", "", {}, "us-east-1", Keys("A", "s", "token"), at)
    assert "x-amz-security-token," in with_token["authorization"] + ","
    assert "SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token," in with_token["authorization"]
    assert with_token["x-amz-security-token"] == "token"


def test_names_are_quoted_as_they_are_signed() -> None:
    assert quoted_path("/lake/a b+c%é~/'x'&=.parquet") == "/lake/a%20b%2Bc%25%C3%A9~/%27x%27%26%3D.parquet"
    assert quoted_query({"b": "a/+=", "a": " "}) == "a=%20&b=a%2F%2B%3D"


def test_the_server_of_the_tests_is_that_of_the_docs() -> None:
    for path in (".ci/run", "docs/duckdb.md", "CONTRIBUTING.md"):
        assert f"{MODULE}/cmd/versitygw@{VERSION}" in (ROOT / path).read_text(), path


def test_a_fault_below_a_statement_is_found_and_nothing_else_is_taken_for_one() -> None:
    traced = 'Traceback (most recent call last):\n  File "x.py", line 1, in open\napi.engine.s3_faults.Replaced: s3://lake/a: it was replaced'
    assert s3_faults.fault_in(traced) == "s3://lake/a: it was replaced"
    assert s3_faults.fault_in("Conversion Error: api.engine.s3_faults.StorageFault: secret") is None
    assert s3_faults.fault_in("Conversion Error: 'x\napi.engine.s3_faults.StorageFault: secret'") is None
