"""What is tried: a case or more for each option that both servers have, and how servers end."""

from __future__ import annotations

import signal

from . import looks, websocket
from .looks import write
from .observation import Case

__all__ = ["CASES", "WITHOUT"]

#: Options that both have and that are not tried here, and why.
WITHOUT: dict[str, str] = {
    "ssl_ca_certs": "with ssl_cert_reqs",
    "ssl_certfile": "with ssl_keyfile",
    "limit_max_requests_jitter": "with limit_max_requests",
}

CONFIGURATION = """{
  "version": 1, "disable_existing_loggers": false,
  "formatters": {
    "default": {"()": "uvicorn.logging.DefaultFormatter", "fmt": "D %(levelprefix)s %(message)s"},
    "access": {"()": "uvicorn.logging.AccessFormatter", "fmt": "A %(status_code)s %(request_line)s"}},
  "handlers": {
    "default": {"class": "logging.StreamHandler", "formatter": "default", "stream": "ext://sys.stderr"},
    "access": {"class": "logging.StreamHandler", "formatter": "access", "stream": "ext://sys.stdout"}},
  "loggers": {
    "uvicorn": {"handlers": ["default"], "level": "INFO", "propagate": false},
    "uvicorn.access": {"handlers": ["access"], "level": "INFO", "propagate": false}}
}"""
CONFIGURATION_INI = """
[loggers]
keys = root, uvicorn
[handlers]
keys = err
[formatters]
keys = plain
[logger_root]
level = INFO
handlers = err
[logger_uvicorn]
level = INFO
handlers = err
qualname = uvicorn
propagate = 0
[handler_err]
class = StreamHandler
formatter = plain
args = (sys.stderr,)
[formatter_plain]
format = I %(levelname)s %(message)s
"""

ENV_FILE = write(".env", "OF_THE_FILE=1\nOF_THE_SHELL=2\n")
ELSEWHERE = write("elsewhere.py", "from application import app\n")
TLS = ("--ssl-keyfile", "key.pem", "--ssl-certfile", "cert.pem")
ASKS = (*TLS, "--ssl-ca-certs", "ca.pem", "--ssl-cert-reqs")
JITTER = ("--limit-max-requests", "2", "--limit-max-requests-jitter", "3")
ENCRYPTED = ("--ssl-keyfile", "encrypted.pem", "--ssl-certfile", "cert.pem", "--ssl-keyfile-password")
CLOSED = "One line more: `connection closed`."
OWN_HTTP = "A line says that fastserve's own HTTP/1 takes its place."

CASES: tuple[Case, ...] = (
    # --- the application
    Case("app", given="`application:app`"),
    Case("app", app="nowhere:app", given="`nowhere:app`, a module that is not there"),
    Case("app", app="application:nothing", given="`application:nothing`, a name that is not there"),
    Case(
        "app", app="broken:app", prepare=write("broken.py", "1 / 0\n"),
        given="`broken:app`, a module that raises",
        why="3, as wherever the application cannot be had, and one line behind the traceback of the module.",
    ),
    Case("app", (), app="", environment={"UVICORN_APP": "application:app"}),
    Case("factory", ("--factory",), app="application:make"),
    Case("factory", app="application:make", given="a factory without `--factory`"),
    Case("app_dir", ("--app-dir", "{dir}"), app="elsewhere:app", prepare=ELSEWHERE, given="`--app-dir DIR`"),
    Case("lifespan", ("--lifespan", "auto"), looks.context),
    Case("lifespan", ("--lifespan", "off"), looks.context),
    Case(
        "lifespan", ("--lifespan", "auto"), environment={"LIFESPAN": "raises"},
        given="`--lifespan auto`, and the application raises",
    ),
    Case(
        "lifespan", ("--lifespan", "on"), environment={"LIFESPAN": "raises"},
        given="`--lifespan on`, and the application raises",
    ),
    Case("lifespan", environment={"LIFESPAN": "fails"}, given="an application whose start-up fails"),
    Case("interface", app="application:double", given="`--interface auto`, an application of ASGI 2"),
    Case("interface", ("--interface", "asgi2"), app="application:double"),
    Case("interface", ("--interface", "asgi3")),
    Case(
        "interface", ("--interface", "wsgi"), app="application:simple",
        why="No lines of a lifespan, which WSGI has not.",
    ),
    Case("root_path", ("--root-path", "/api"), looks.scope),
    Case(
        "env_file", ("--env-file", ".env"), looks.environment,
        environment={"OF_THE_SHELL": "0"}, prepare=ENV_FILE,
    ),
    Case(
        "env_file", ("--env-file", "nowhere.env"), given="`--env-file nowhere.env`, which is not there",
        why="The usage is each command's own.",
    ),
    Case("reset_contextvars", ("--reset-contextvars",), looks.context),
    Case("reset_contextvars", (), looks.context, given="without `--reset-contextvars`"),
    # --- where it listens
    Case("host", ("--host", "0.0.0.0")),
    Case("host", ("--host", "::1"), host="::1"),
    Case("port", ("--port", "{port}"), given="`--port 8000`", has_address=True),
    Case("port", environment={"UVICORN_PORT": "1"}, given="`UVICORN_PORT=1 --port 8000`"),
    Case(
        "port", ("--port", "http"), given="`--port http`", has_address=True,
        why="The usage is each command's own.",
    ),
    Case(
        "port", ("--port", "{taken}"), given="`--port 8000`, which another process has", has_address=True,
        why="Told before the application starts up, and the process is named.",
    ),
    Case("uds", ("--uds", "app.sock"), looks.unix_socket, has_address=True),
    Case(
        "uds", ("--uds", "app.sock"), looks.unix_socket, "`--uds app.sock`, where one of mode 600 was left",
        prepare=looks.leave_a_socket, has_address=True,
    ),
    Case(
        "fd", ("--fd", "{fd}"), looks.scope, "`--fd 3`, a socket of TCP", prepare=looks.a_bound_socket,
        has_address=True,
    ),
    Case(
        "fd", ("--fd", "{fd}"), looks.scope, "`--fd 3`, a UNIX socket", prepare=looks.a_bound_unix_socket,
        has_address=True,
    ),
    Case(
        "backlog", ("--backlog", "7", "--fd", "{fd}"), looks.waiting, "`--backlog 7`",
        prepare=looks.a_bound_socket, has_address=True,
    ),
    # --- behind a proxy
    Case("proxy_headers", ("--proxy-headers",), looks.forwarded),
    Case("proxy_headers", ("--no-proxy-headers",), looks.forwarded),
    Case("forwarded_allow_ips", ("--forwarded-allow-ips", "10.0.0.0/8"), looks.forwarded),
    Case("forwarded_allow_ips", ("--forwarded-allow-ips", "10.0.0.1,127.0.0.1"), looks.forwarded),
    Case("forwarded_allow_ips", ("--forwarded-allow-ips", "*"), looks.forwarded),
    Case("forwarded_allow_ips", (), looks.forwarded, environment={"FORWARDED_ALLOW_IPS": "10.0.0.1"}),
    Case("forwarded_allow_ips", (), looks.forwarded, environment={"UVICORN_FORWARDED_ALLOW_IPS": "10.0.0.1"}),
    # --- parts
    Case("loop", ("--loop", "auto"), looks.loop),
    Case("loop", ("--loop", "uvloop"), looks.loop),
    Case("loop", ("--loop", "asyncio"), looks.loop),
    Case("loop", ("--loop", "none"), looks.loop),
    Case("loop", ("--loop", "asyncio:new_event_loop"), looks.loop),
    Case("http", ("--http", "auto")),
    Case("http", ("--http", "httptools"), why=OWN_HTTP),
    Case("http", ("--http", "h11")),
    Case("http2", ("--http2",), why="Not there yet, and told so; uvicorn's needs the package `zttp`."),
    Case(
        "h11_max_incomplete_event_size",
        ("--http", "h11", "--h11-max-incomplete-event-size", "1000"), looks.a_large_field,
        why="A larger header section is refused however it arrives; h11 refuses one that arrives in parts. "
        "Lines tell what the option sets.",
    ),
    # --- WebSocket
    Case("ws", ("--ws", "auto"), websocket.sending(5), why=CLOSED),
    Case("ws", ("--ws", "none"), websocket.sending(5), why="No warnings: it is what the option says."),
    Case(
        "ws", ("--ws", "websockets"), websocket.sending(5),
        why="A line says that fastserve's own WebSocket takes its place.",
    ),
    Case("ws_max_size", ("--ws-max-size", "100"), websocket.sending(100), why=CLOSED),
    Case(
        "ws_max_size", ("--ws-max-size", "100"), websocket.sending(101),
        given="`--ws-max-size 100`, a message of 101",
        why=CLOSED,
    ),
    Case(
        "ws_max_queue", ("--ws-max-queue", "1"), websocket.pouring,
        given="`--ws-max-queue 1`, an application that receives nothing",
        why=CLOSED,
    ),
    Case("ws_ping_interval", ("--ws-ping-interval", "0.2"), websocket.pings, why=CLOSED),
    Case(
        "ws_ping_timeout", ("--ws-ping-interval", "0.2", "--ws-ping-timeout", "0.2"), websocket.silent,
        "`--ws-ping-timeout 0.2`, a client that answers no ping",
        why="The application is told 1011 too, not 1005. " + CLOSED,
    ),
    Case(
        "ws_per_message_deflate", ("--ws-per-message-deflate", "false"), websocket.sending(5), why=CLOSED
    ),
    # --- processes
    Case("workers", ("--workers", "2"), looks.processes, apart=("requests",), several=True),
    Case(
        "workers", (), looks.processes, environment={"WEB_CONCURRENCY": "2"}, apart=("requests",),
        several=True,
    ),
    Case(
        "timeout_worker_healthcheck", ("--workers", "2", "--timeout-worker-healthcheck", "1"), looks.stopped,
        given="`--workers 2 --timeout-worker-healthcheck 1`, and one is stopped",
        why="Lines tell how long it has not answered.",
        apart=("requests",), several=True,
    ),
    Case(
        "reload", ("--reload",), looks.edited, app="edited:app", apart=("requests",),
        prepare=write("edited.py", looks.EDITED.format("first")),
    ),
    Case(
        "reload_dirs", ("--reload", "--reload-dir", "watched"), looks.touching("watched/a.py", True),
        prepare=looks.a_directory, apart=("requests",),
    ),
    Case(
        "reload_dirs", ("--reload", "--reload-dir", "watched"), looks.touching("a.py", False),
        "the same, and a file elsewhere changes", prepare=looks.a_directory, apart=("requests",),
    ),
    Case(
        "reload_includes", ("--reload", "--reload-include", "*.txt"), looks.touching("a.txt", True),
        apart=("requests",),
    ),
    Case(
        "reload_excludes", ("--reload", "--reload-exclude", "a.py"), looks.touching("a.py", False),
        given="`--reload --reload-exclude FILE`, and that changes",
        apart=("requests",),
    ),
    Case("reload_delay", ("--reload", "--reload-delay", "4"), looks.changing, apart=("requests",)),
    # --- load and time
    Case("limit_concurrency", ("--limit-concurrency", "2"), looks.crowd),
    Case("limit_concurrency", ("--limit-concurrency", "3"), looks.crowd),
    Case("limit_max_requests", ("--limit-max-requests", "3"), looks.until_it_ends),
    Case("limit_max_requests", JITTER, looks.between_2_and_5, apart=("messages", "requests")),
    Case("timeout_keep_alive", ("--timeout-keep-alive", "1"), looks.idle_for),
    Case(
        "timeout_graceful_shutdown", ("--timeout-graceful-shutdown", "1"), looks.cancelled,
        why="503: the application did nothing wrong. One line in place of a traceback.",
    ),
    # --- logs
    Case("log_level", ("--log-level", "warning")),
    Case("log_level", ("--log-level", "debug"), why="A line tells which implementation of HTTP/1 it is."),
    Case(
        "log_level", ("--log-level", "trace"),
        why="The same lines for each call of the application; none for connections.",
    ),
    Case("log_config", ("--log-config", "log.json"), prepare=write("log.json", CONFIGURATION)),
    Case("log_config", ("--log-config", "log.ini"), prepare=write("log.ini", CONFIGURATION_INI)),
    Case("use_colors", ("--use-colors",)),
    Case("use_colors", ("--no-use-colors",)),
    Case("access_log", ("--no-access-log",)),
    Case("access_log", environment={"UVICORN_ACCESS_LOG": "false"}),
    # --- fields of every answer
    Case("headers", ("--header", "X-A: 1"), looks.fields),
    Case("headers", ("--header", "Server: mine"), looks.fields),
    Case("server_header", ("--no-server-header",), looks.fields),
    Case("server_header", (), looks.fields, environment={"UVICORN_SERVER_HEADER": "0"}),
    Case("date_header", ("--no-date-header",), looks.fields),
    # --- TLS
    Case(
        "ssl_keyfile", TLS, looks.secure, prepare=looks.certificates,
        given="`--ssl-keyfile KEY --ssl-certfile CERT`",
    ),
    Case(
        "ssl_keyfile_password", (*ENCRYPTED, "secret"), looks.secure, prepare=looks.certificates,
        given="`--ssl-keyfile-password PASSWORD`",
    ),
    Case(
        "ssl_keyfile_password", (*ENCRYPTED, "wrong"), looks.secure, prepare=looks.certificates,
        given="`--ssl-keyfile-password` of another key",
        why="One line in place of a traceback.",
    ),
    Case(
        "ssl_version", (*TLS, "--ssl-version", "5"), looks.secure, prepare=looks.certificates,
        given="`--ssl-version 5`",
    ),
    Case(
        "ssl_cert_reqs", (*ASKS, "2"), looks.secure_as_client, prepare=looks.certificates,
        given="`--ssl-ca-certs CA --ssl-cert-reqs 2`",
    ),
    Case(
        "ssl_cert_reqs", (*ASKS, "2"), looks.secure, prepare=looks.certificates,
        given="`--ssl-cert-reqs 2`, a client without a certificate", why="A line tells of the refusal.",
    ),
    Case(
        "ssl_cert_reqs", (*ASKS, "1"), looks.secure, prepare=looks.certificates,
        given="`--ssl-cert-reqs 1`, a client without a certificate",
    ),
    Case(
        "ssl_ciphers", (*TLS, "--ssl-ciphers", "ECDHE-ECDSA-AES256-GCM-SHA384"), looks.secure_with_tls_1_2,
        prepare=looks.certificates, given="`--ssl-ciphers ECDHE-ECDSA-AES256-GCM-SHA384`, over TLS 1.2",
    ),
    # --- how it ends
    Case("", look=looks.idle, given="INT, a client idle"),
    Case("", look=looks.busy(signal.SIGINT), given="INT, a request in flight"),
    Case("", look=looks.busy(signal.SIGTERM), given="TERM, a request in flight"),
    Case("", look=looks.term_twice, given="TERM twice, a request in flight"),
    *(
        Case(
            "", look=looks.during_startup(number), environment={"LIFESPAN": "slow"}, early=True,
            given=f"{number.name.removeprefix('SIG')} while the application starts up",
            why="It never begins to listen.",
        )
        for number in (signal.SIGINT, signal.SIGTERM)
    ),
    Case(
        "", look=looks.twice, given="INT twice, a request that does not end",
        why="The second one cuts connections; the application still shuts down.",
    ),
)  # fmt: skip
