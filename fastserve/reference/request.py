"""How does a judged head become a request?"""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

from fastserve.reference.rules import Head
from fastserve.reference.seam import Address, Request

__all__ = ["request_of"]


def request_of(head: Head, scheme: str, client: tuple[str, int] | None, server: Address | None) -> Request:
    """Return the protocol-neutral request. Bytes that are no UTF-8 in its path become U+FFFD."""
    fields = [(name.lower(), value) for name, value in head.fields]
    if head.authority:  # RFC 9112, 3.2.2: the target's authority replaces Host
        fields = [(name, head.authority if name == b"host" else value) for name, value in fields]
    return Request(
        method=head.method.decode("ascii"),
        path=unquote_to_bytes(head.path).decode("utf-8", "replace"),
        raw_path=head.path,
        query_string=head.query,
        http_version=f"1.{head.minor}",
        headers=fields,
        scheme=scheme,
        client=client,
        server=server,
    )
