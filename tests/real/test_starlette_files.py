"""examples/starlette_app: files with validators and ranges, and uploads by form and as they are."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import httpx
import pytest

from .server import EXAMPLES, Example, Server
from .tools import curl, needs_curl

starlette = pytest.importorskip("starlette")
pytest.importorskip("python_multipart")

EXAMPLE = Example("starlette_app")

DOWNLOAD = bytes(range(256)) * 4096
POEM = (EXAMPLES / "starlette_app" / "static" / "poem.txt").read_bytes()

UPLOAD = hashlib.shake_256(b"an upload").digest(8 * 1024 * 1024 + 1)
"""Some 8 MiB without a pattern, so that parts which are lost, doubled or swapped change the hash."""
UPLOAD_TOLD = {"size": len(UPLOAD), "sha256": hashlib.sha256(UPLOAD).hexdigest()}


@pytest.fixture
def upload_path(tmp_path: Path) -> Path:
    path = tmp_path / "up load.bin"
    path.write_bytes(UPLOAD)
    return path


def test_download_whole(client: httpx.Client) -> None:
    got = client.get("/download")
    assert got.status_code == 200
    assert got.headers["content-disposition"] == 'attachment; filename="bytes.bin"'
    assert got.headers["content-length"] == str(len(DOWNLOAD))
    assert got.content == DOWNLOAD


def test_head_tells_the_length_and_sends_nothing(client: httpx.Client) -> None:
    told = client.head("/download")
    assert (told.status_code, told.content) == (200, b"")
    assert told.headers["content-length"] == str(len(DOWNLOAD))
    # Had a body followed the head, the next answer on this connection would be rubbish.
    assert client.get("/hello/next").text == "Hello, next!\n"


@pytest.mark.parametrize(
    ("asked", "first", "end"),
    [
        ("0-9", 0, 10),
        ("1000-299999", 1000, 300_000),
        ("1048570-", 1_048_570, 1_048_576),
        ("-6", 1_048_570, 1_048_576),
    ],
)
def test_range(client: httpx.Client, asked: str, first: int, end: int) -> None:
    got = client.get("/download", headers={"Range": f"bytes={asked}"})
    assert got.status_code == 206
    assert got.headers["content-range"] == f"bytes {first}-{end - 1}/{len(DOWNLOAD)}"
    assert got.content == DOWNLOAD[first:end]


@pytest.mark.skipif(
    starlette.__version__.startswith("0."),
    reason="Starlette before 1.0 miscounts the bytes of several ranges",
)
def test_several_ranges(client: httpx.Client) -> None:
    got = client.get("/download", headers={"Range": "bytes=0-3,500-503"})
    assert got.status_code == 206
    assert got.headers["content-type"].startswith("multipart/byteranges; boundary=")
    assert int(got.headers["content-length"]) == len(got.content)
    for part in (b"bytes 0-3/1048576", DOWNLOAD[0:4], b"bytes 500-503/1048576", DOWNLOAD[500:504]):
        assert part in got.content


def test_range_beyond_the_end(client: httpx.Client) -> None:
    got = client.get("/download", headers={"Range": "bytes=2000000-"})
    assert got.status_code == 416
    assert got.headers["content-range"].endswith("*/1048576")


def test_range_of_a_file_that_changed(client: httpx.Client) -> None:
    etag = client.head("/download").headers["etag"]
    same = client.get("/download", headers={"Range": "bytes=0-9", "If-Range": etag})
    other = client.get("/download", headers={"Range": "bytes=0-9", "If-Range": '"another"'})
    assert (same.status_code, same.content) == (206, DOWNLOAD[:10])
    assert (other.status_code, other.content) == (200, DOWNLOAD)


def test_validators(client: httpx.Client) -> None:
    first = client.get("/static/poem.txt")
    assert (first.status_code, first.content) == (200, POEM)
    for validator in (
        {"If-None-Match": first.headers["etag"]},
        {"If-Modified-Since": first.headers["last-modified"]},
    ):
        again = client.get("/static/poem.txt", headers=validator)
        assert (again.status_code, again.content) == (304, b"")
    changed = client.get("/static/poem.txt", headers={"If-None-Match": '"another"'})
    assert (changed.status_code, changed.content) == (200, POEM)


@needs_curl
def test_curl_downloads_in_two_parts(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "bytes.bin"
    path.write_bytes(curl("-r", "0-399999", f"{server.url}/download"))
    curl("--continue-at", "-", "--output", str(path), f"{server.url}/download")
    assert path.read_bytes() == DOWNLOAD


@needs_curl
def test_curl_compares_the_etag(server: Server, tmp_path: Path) -> None:
    etag, url = str(tmp_path / "etag"), f"{server.url}/static/poem.txt"
    assert curl("--etag-save", etag, url) == POEM
    assert curl("--etag-compare", etag, "--write-out", "%{http_code}", url) == b"304"


def test_upload_by_form(client: httpx.Client) -> None:
    files = {"first": ("a b.bin", UPLOAD), "second": ("empty.bin", b"")}
    told = client.post("/upload", data={"note": "Grüße"}, files=files)
    assert told.status_code == 200
    assert told.json() == {
        "fields": {"note": "Grüße"},
        "files": [
            {"field": "first", "filename": "a b.bin", **UPLOAD_TOLD},
            {"field": "second", "filename": "empty.bin", "size": 0, "sha256": hashlib.sha256().hexdigest()},
        ],
    }


@needs_curl
def test_upload_by_form_from_curl(server: Server, upload_path: Path) -> None:
    """curl asks with `Expect: 100-continue` before it sends that much."""
    told = json.loads(curl("-F", "note=hi", "-F", f"file=@{upload_path}", f"{server.url}/upload"))
    assert told == {
        "fields": {"note": "hi"},
        "files": [{"field": "file", "filename": upload_path.name, **UPLOAD_TOLD}],
    }


@needs_curl
def test_upload_raw_with_a_length(server: Server, upload_path: Path) -> None:
    assert json.loads(curl("-T", str(upload_path), f"{server.url}/raw")) == UPLOAD_TOLD


@needs_curl
def test_upload_raw_in_chunks(server: Server) -> None:
    """From a pipe curl knows no length, and sends chunked."""
    assert json.loads(curl("-T", "-", f"{server.url}/raw", stdin=UPLOAD)) == UPLOAD_TOLD


def test_uploads_one_after_another_on_one_connection(client: httpx.Client) -> None:
    for size in (0, 1, 65_535, 65_536, 65_537, 1_000_000):
        body = UPLOAD[:size]
        told = client.post("/raw", content=body).json()
        assert told == {"size": size, "sha256": hashlib.sha256(body).hexdigest()}
