"""What is the CRC-32C of some bytes? (RFC 3720, section 12.1; the standard library has other CRCs only)"""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["crc32c"]

#: Castagnoli's polynomial, its lowest bit first.
_POLYNOMIAL = 0x82F63B78


def _entry(byte: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ (_POLYNOMIAL if byte & 1 else 0)
    return byte


_TABLE = [_entry(byte) for byte in range(256)]


def crc32c(data: Iterable[int]) -> int:
    """Return it as an unsigned number of 32 bits."""
    register = 0xFFFFFFFF
    for byte in data:
        register = register >> 8 ^ _TABLE[(register ^ byte) & 0xFF]
    return register ^ 0xFFFFFFFF
