"""Keeps sealed contents in a bucket of any object store that speaks S3."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from clinicdesk.core.errors import Unavailable
from clinicdesk.features.documents.store import check_key

_CODES = {
    "NoSuchKey": "content_missing",
    "NoSuchBucket": "store_bucket_missing",
    "AccessDenied": "store_refuses",
    "InvalidAccessKeyId": "store_refuses",
    "SignatureDoesNotMatch": "store_refuses",
    "QuotaExceeded": "store_full",
    "XMinioStorageFull": "store_full",
}


@dataclass(frozen=True, slots=True)
class Bucket:
    """Where a bucket is and who we are there."""

    url: str
    name: str
    access_key: str
    secret_key: str = field(repr=False)
    region: str = "us-east-1"


class ObjectStore:
    """A store in a bucket, which has to be there. Its methods may be called from several threads."""

    def __init__(self, bucket: Bucket, seconds: float = 10) -> None:
        self._bucket = bucket.name
        self._client = boto3.client(
            "s3", endpoint_url=bucket.url, region_name=bucket.region,
            aws_access_key_id=bucket.access_key, aws_secret_access_key=bucket.secret_key,
            config=Config(
                connect_timeout=min(seconds, 3), read_timeout=seconds, retries={"mode": "standard", "total_max_attempts": 3},
                s3={"addressing_style": "path"}, signature_version="s3v4", max_pool_connections=20,
                request_checksum_calculation="when_required", response_checksum_validation="when_required",
            ),
        )  # fmt: skip

    def put(self, key: str, sealed: bytes | bytearray) -> None:
        with _trouble():
            self._client.put_object(
                Bucket=self._bucket, Key=_place(key), Body=sealed, ContentType="application/octet-stream"
            )

    def get(self, key: str) -> bytes:
        with _trouble():
            kept: bytes = self._client.get_object(Bucket=self._bucket, Key=_place(key))["Body"].read()
            return kept

    def delete(self, key: str) -> None:
        with _trouble():
            self._client.delete_object(Bucket=self._bucket, Key=_place(key))

    def contents(self) -> Iterator[tuple[str, datetime]]:
        with _trouble():
            for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket):
                for one in page.get("Contents", ()):
                    key = one["Key"].rpartition("/")[2]
                    if one["Key"] == f"{key[:2]}/{key}" and len(key) == 32:
                        yield key, one["LastModified"].astimezone(UTC)


def _place(key: str) -> str:
    return f"{check_key(key)[:2]}/{key}"


@contextmanager
def _trouble() -> Iterator[None]:
    """Say what the store refuses, or that it is away, in our words."""
    try:
        yield
    except ClientError as error:
        told = error.response.get("Error", {}).get("Code", "")
        raise Unavailable(_CODES.get(told, "store_away")) from error
    except BotoCoreError as error:
        raise Unavailable("store_away") from error
