"""What should somebody do whose code holds the event loop?

Which advice helps depends on why the loop stands still. Code that waits wants a thread, or an `await`; code
that computes would hold the interpreter from a thread too; and a thread that waits for the interpreter's lock
can only be helped where the lock is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fastserve.features.stack import Stack

__all__ = ["LOCK_KEPT_S", "advice", "is_debugger"]

#: From this part of the time on, code computes.
_COMPUTES = 0.6
#: A thread gets the interpreter's lock within milliseconds from Python code, which gives it up when asked.
LOCK_KEPT_S = 0.05


@dataclass(frozen=True, eq=False, repr=False, match_args=False)
class _Kind:
    packages: frozenset[str]
    advice: str


def _kind(packages: str, advice: str) -> _Kind:
    return _Kind(frozenset(packages.split()), advice)


#: `{use}` is what to do instead of calling it here, `{package}` what was called.
_KINDS = (
    _kind("time", "{use} await asyncio.sleep."),
    _kind(
        "requests urllib3 urllib http httpx httpcore httplib2 pycurl",
        "{package} waits for its answer here: {use} await a client that is asynchronous "
        "(httpx.AsyncClient, aiohttp).",
    ),
    _kind(
        "sqlite3 psycopg psycopg2 pymysql MySQLdb mysql mariadb pymongo redis sqlalchemy peewee "
        "pony cassandra oracledb cx_Oracle pyodbc pymssql duckdb clickhouse_driver elasticsearch",
        "{package} waits for its database here: {use} await a driver that is asynchronous.",
    ),
    _kind(
        "boto3 botocore google azure grpc kafka pika paramiko smtplib imaplib ftplib ldap ldap3",
        "{package} waits for another machine here: {use} await a client that is asynchronous.",
    ),
    _kind(
        "subprocess _posixsubprocess",
        "It waits for another program: {use} await asyncio.create_subprocess_exec.",
    ),
    _kind(
        "threading _thread concurrent queue _queue multiprocessing",
        "It waits for another thread or process: {use} await a future of it (asyncio.wrap_future).",
    ),
    _kind("socket _socket ssl _ssl select selectors", "It waits for another machine: {use} await it."),
    _kind(
        "_io io open pathlib shutil tempfile posix os fcntl zipfile tarfile",
        "Files wait for their disk: {use} await it in a thread (asyncio.to_thread).",
    ),
)
#: In place of what begins with `{use}`, for applications that can neither await nor choose.
_THREADS = "serve the application in threads (--wsgi-threads)."
_DEBUGGERS = frozenset(
    ("pdb", "bdb", "cmd", "code", "pydevd", "debugpy", "ipdb", "pudb", "IPython", "_pydevd_bundle")
)


def is_debugger(stack: Stack) -> bool:
    """Whether somebody sits there and looks at the program."""
    return any(place.package in _DEBUGGERS for place in stack.places)


def advice(
    stack: Stack, held_s: float, cpu_s: float, lock_s: float, serves: str = "", others: Sequence[str] = ()
) -> str:
    """One or two sentences, for code that held the loop for `held_s` and computed for `cpu_s` of it.

    `lock_s` is how long another thread waited for the interpreter's lock meanwhile; `others` is where other
    threads were then. `serves`: "asgi" or "wsgi" where the code serves a request of such an application.
    """
    if lock_s >= LOCK_KEPT_S:
        if cpu_s >= _COMPUTES * held_s or not others:
            return (
                "C code keeps the interpreter's lock (GIL) there: a thread would not help, "
                "run it in another process."
            )
        return f"C code kept the interpreter's lock (GIL), there or in another thread: {', '.join(others)}."
    if not stack.places:
        return "It was over before it could be seen."
    if cpu_s >= _COMPUTES * held_s:
        sentence = (
            "It computes: run it in another process, as a thread would share the interpreter with the loop."
        )
    else:
        sentence = _waits(stack, serves)
    middleware = next((p for p in stack.told if "middleware" in p.qualified.lower()), None)
    if middleware is not None and stack.told[0] is middleware:
        return f"This is middleware: every request goes through it. {sentence}"
    return sentence


def _waits(stack: Stack, serves: str) -> str:
    use = 'use "def", or' if serves else "rather"
    for package in stack.called:
        for kind in _KINDS:
            if package in kind.packages:
                text = kind.advice if serves != "wsgi" else kind.advice.partition("{use}")[0] + _THREADS
                text = text.format(package=package, use=use)
                return text[0].upper() + text[1:] if not text.startswith(package) else text
    if serves == "wsgi":
        return _THREADS.capitalize()
    return 'Use "def", or await it in a thread.' if serves else "Await it in a thread."
