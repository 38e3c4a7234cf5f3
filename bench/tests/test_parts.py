"""A sample belongs to the part of the process that its file is of, wherever the checkout lies."""

import pytest

from bench.parts import part_of, shares, table

SITE = "/srv/fastserve/.venv-bench/lib/python3.13/site-packages"


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("[kernel.kallsyms]", "kernel"),
        ("[vdso]", "C library"),
        (f"{SITE}/fastserve/h1/connection.cpython-313-x86_64-linux-gnu.so", "fastserve's modules"),
        ("/srv/fastserve/fastserve/h1/connection.cpython-313-x86_64-linux-gnu.so", "fastserve's modules"),
        (f"{SITE}/uvloop/loop.cpython-313-x86_64-linux-gnu.so", "uvloop"),
        (f"{SITE}/httptools/parser/parser.cpython-313-x86_64-linux-gnu.so", "other modules"),
        ("/usr/lib/python3.13/lib-dynload/_asyncio.cpython-313-x86_64-linux-gnu.so", "CPython"),
        ("/usr/bin/python3.13", "CPython"),
        ("/usr/lib/libpython3.13.so.1.0", "CPython"),
        ("/usr/lib/x86_64-linux-gnu/libc.so.6", "C library"),
        ("/usr/lib/x86_64-linux-gnu/libcrypto.so.3", "OpenSSL"),
        ("/usr/sbin/nginx", "other modules"),
    ],
)
def test_part(path: str, part: str) -> None:
    assert part_of(path) == part


def test_the_shares_of_all_samples_make_the_whole() -> None:
    found = shares(["[kernel.kallsyms]", "/usr/bin/python3", "/usr/bin/python3", "[kernel.kallsyms]"])
    assert found == {"kernel": 0.5, "CPython": 0.5}
    assert table({"a": [{"kernel": 1.0, "CPython": 0.5}]})[2:] == [
        "| kernel | 1.00 |",
        "| CPython | 0.50 |",
        "| **together** | 1.50 |",
    ]
