"""Where long sealed bytes lie: the instance's own folder, or a store that speaks S3. Both see random names and sealed bytes."""

import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit
from uuid import UUID

from counsel.core.errors import BusyError
from counsel.core.ids import parse_id
from counsel.core.settings import Settings


class Store(Protocol):
    """Sealed parts by random id. What is written is durable when `write` returns, and whole or not there.

    :raises BusyError: the disk is full, or the store does not answer; nothing is half-written.
    """

    def write(self, part_id: UUID, pieces: Iterable[bytes | memoryview]) -> tuple[int, bytes]:
        """Write one part and return (bytes, SHA-256)."""

    def read(self, part_id: UUID, start: int, length: int) -> bytes:
        """Return bytes of one part, fewer where it ends, none where it is missing."""

    def delete(self, part_id: UUID) -> None:
        """Delete one part, if it is there."""

    def all(self) -> Iterator[tuple[UUID, datetime]]:
        """Yield every part and when it was written."""


def store_of(settings: Settings) -> Store:
    """Return the store that the settings name."""
    address = urlsplit(settings.files_url)
    if address.scheme == "s3":
        return _bucket(address.netloc, address.path.strip("/"), settings.files_endpoint)
    return FolderStore(settings.instance / "files")


class FolderStore:
    """A folder of the instance; each part is written beside its place, synced and then put there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _path(self, part_id: UUID) -> Path:
        return self._folder / part_id.hex[-2:] / part_id.hex

    def write(self, part_id: UUID, pieces: Iterable[bytes | memoryview]) -> tuple[int, bytes]:
        """Write one part and return (bytes, SHA-256)."""
        path = self._path(part_id)
        beside = path.with_suffix(".part")
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            written = _write_synced(beside, pieces)
            beside.rename(path)
            _sync_folder(path.parent)
        except OSError as error:
            beside.unlink(missing_ok=True)
            raise BusyError(type(error).__name__) from error
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
        return written

    def read(self, part_id: UUID, start: int, length: int) -> bytes:
        """Return bytes of one part, fewer where it ends, none where it is missing."""
        try:
            with self._path(part_id).open("rb", buffering=0) as file:
                return os.pread(file.fileno(), length, start)
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise BusyError(type(error).__name__) from error

    def delete(self, part_id: UUID) -> None:
        """Delete one part, if it is there."""
        path = self._path(part_id)
        for found in (path, path.with_suffix(".part")):
            with suppress(FileNotFoundError):
                found.unlink()
                _sync_folder(path.parent)

    def all(self) -> Iterator[tuple[UUID, datetime]]:
        """Yield every part and when it was written; what was being written when the power went is one too."""
        for path in self._folder.glob("??/*"):
            part_id = parse_id(path.stem)
            if part_id is not None:
                yield part_id, datetime.fromtimestamp(path.stat().st_mtime, UTC)


def _write_synced(path: Path, pieces: Iterable[bytes | memoryview]) -> tuple[int, bytes]:
    """Write with 0600; a path that is there already is somebody else's and stops it."""
    hashed, size = hashlib.sha256(), 0
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb", buffering=0) as file:
        for piece in pieces:
            hashed.update(piece)
            size += _write_all(file.fileno(), piece)
        os.fsync(file.fileno())
    return size, hashed.digest()


def _write_all(descriptor: int, piece: bytes | memoryview) -> int:
    left = memoryview(piece)
    while left:
        left = left[os.write(descriptor, left) :]
    return len(piece)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@lru_cache(maxsize=4)
def _bucket(name: str, prefix: str, endpoint: str) -> "BucketStore":
    return BucketStore(name, prefix, endpoint)


class BucketStore:
    """A bucket that speaks S3; keys and region come the way boto3 finds them (environment, file, role)."""

    def __init__(self, name: str, prefix: str, endpoint: str) -> None:
        import boto3  # only where the settings name such a store
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ClientError

        limits = Config(connect_timeout=5, read_timeout=30, retries={"max_attempts": 3, "mode": "standard"})
        self._client: Any = boto3.client("s3", endpoint_url=endpoint or None, config=limits)
        self._errors, self._missing = (BotoCoreError, ClientError), ("NoSuchKey", "404", "InvalidRange", "416")
        self._name, self._prefix = name, f"{prefix}/" if prefix else ""

    def _call(self, act: str, **arguments: Any) -> dict[str, Any]:
        """Do one thing; an empty answer where there is no such part."""
        try:
            answer: dict[str, Any] = getattr(self._client, act)(Bucket=self._name, **arguments)
        except self._errors as error:
            if getattr(error, "response", {}).get("Error", {}).get("Code") in self._missing:
                return {}
            raise BusyError(type(error).__name__) from error
        return answer

    def write(self, part_id: UUID, pieces: Iterable[bytes | memoryview]) -> tuple[int, bytes]:
        """Write one part, sealed and in memory, in one request, and return (bytes, SHA-256)."""
        body = b"".join(bytes(piece) for piece in pieces)
        self._call("put_object", Key=self._prefix + part_id.hex, Body=body)
        return len(body), hashlib.sha256(body).digest()

    def read(self, part_id: UUID, start: int, length: int) -> bytes:
        """Return bytes of one part, fewer where it ends, none where it is missing."""
        answer = self._call("get_object", Key=self._prefix + part_id.hex, Range=f"bytes={start}-{start + length - 1}")
        try:
            found: bytes = answer["Body"].read() if answer else b""
        except (*self._errors, OSError) as error:
            raise BusyError(type(error).__name__) from error
        return found

    def delete(self, part_id: UUID) -> None:
        """Delete one part, if it is there."""
        self._call("delete_object", Key=self._prefix + part_id.hex)

    def all(self) -> Iterator[tuple[UUID, datetime]]:
        """Yield every part and when it was written."""
        more: dict[str, Any] = {}
        while True:
            answer = self._call("list_objects_v2", Prefix=self._prefix, **more)
            for found in answer.get("Contents", ()):
                part_id = parse_id(found["Key"].removeprefix(self._prefix))
                if part_id is not None:
                    yield part_id, found["LastModified"]
            if not answer.get("IsTruncated"):
                return
            more = {"ContinuationToken": answer["NextContinuationToken"]}
