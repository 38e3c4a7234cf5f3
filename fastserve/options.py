"""Which options exist?

One table, `OPTIONS`. `Config` takes its attributes and defaults from it, the command its flags and its help,
the environment and the configuration file their names, docs/options.md every row (`python -m
fastserve.options` prints that page), and docs/migrating-from-uvicorn.md its list (`migrating.py`). Names,
defaults and meanings are uvicorn's where uvicorn has the option; a name of our own ends in its unit.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fastserve import forms
from fastserve.option import BYTES_MAX, ENVIRONMENT_PREFIX, SECONDS_MAX, UVICORN_OPTIONS, Option
from fastserve.option import bytes_option as _bytes
from fastserve.option import count_option as _count
from fastserve.option import seconds_option as _seconds

__all__ = ["BY_NAME", "ENVIRONMENT_PREFIX", "GROUPS", "OPTIONS", "UVICORN_OPTIONS", "Option", "unknown"]

#: The subjects, in the order in which the help and the documentation show them.
GROUPS = {
    "application": "The application",
    "socket": "Where to listen",
    "proxies": "Behind a proxy",
    "process": "Event loop, protocols, load, shutdown",
    "workers": "Worker processes and reload",
    "websocket": "WebSocket (0: none)",
    "logging": "Logs",
    "observation": "What the server sees of itself",
    "headers": "Headers of every response",
    "tls": "TLS",
    "limits": "Limits, and deadlines (0: none)",
    "wsgi": "WSGI applications",
}


OPTIONS: tuple[Option, ...] = (
    # --- application
    Option("app", str, None, "application", "The application, as MODULE:ATTRIBUTE.", argument=True),
    Option("factory", bool, False, "application", "APP is a function that returns the application."),
    Option(
        "app_dir", str, None, "application",
        "Look for APP in this directory. Without it, the command looks in the current one.",
    ),
    Option(
        "lifespan", str, "auto", "application",
        "Send the application lifespan events; auto: unless it does not support them.",
        choices=("auto", "on", "off"),
    ),
    Option(
        "interface", str, "auto", "application",
        "What the application speaks; auto: whichever its signature says.",
        choices=("auto", "asgi3", "asgi2", "wsgi"),
        uvicorn="`auto` finds WSGI too, and takes a function that is not `async` for ASGI 2 only if it could "
        "not be called with the three arguments of ASGI 3.",
    ),
    Option("root_path", str, "", "application", "The path under which a proxy has mounted the application."),
    Option(
        "root_path_stripped", bool, True, "application",
        "The proxy takes root_path off the paths that it passes on; the application sees it put back.",
    ),
    Option(
        "env_file", str, None, "application",
        "Set the variables of this .env file for the application, except those that are set.",
        uvicorn="A file that is not there is an error in `run()` and `Config` too.",
    ),
    Option(
        "reset_contextvars", bool, False, "application",
        "Start each request in an empty context, not in a copy of the one in which the server was started.",
        uvicorn="Without it, a request sees no context variable of an earlier one here either.",
    ),
    Option("pathsend", bool, False, "application", "Offer http.response.pathsend to ASGI applications."),
    # --- socket
    Option(
        "bind", str, (), "socket",
        "Listen here instead of where the options below say: HOST:PORT, [IPV6]:PORT, unix:PATH, fd://NUMBER; "
        "may be repeated.",
        "address", repeatable=True, judge=forms.address,
    ),
    Option(
        "insecure_bind", str, (), "socket",
        "Where TLS is served, listen here too, in plain HTTP, as bind does; may be repeated.",
        "address", repeatable=True, judge=forms.address,
    ),
    Option("host", str, "127.0.0.1", "socket", "Listen on this address or name."),
    Option("port", int, 8000, "socket", "Listen on this port. 0 takes a free one.", minimum=0, maximum=65535),
    Option("uds", str, None, "socket", "Listen on this UNIX socket instead of host and port."),
    Option(
        "uds_mode", str, None, "socket",
        "The permissions of the UNIX socket; without it 666, or those of the abandoned one that it replaces.",
        "octal digits like 660", pattern="0?[0-7]{3}",
    ),
    Option("uds_owner", str, None, "socket", "The owner of the UNIX socket, by name or number."),
    Option("uds_group", str, None, "socket", "The group of the UNIX socket, by name or number."),
    Option(
        "fd", int, None, "socket", "Listen on the socket that this file descriptor holds.",
        minimum=0, maximum=2**31 - 1,
    ),
    Option("reuse_port", bool, False, "socket", "Each worker has a queue of its own in the kernel."),
    Option(
        "backlog", int, 2048, "socket", "Connections that may wait to be accepted.",
        minimum=1, maximum=2**31 - 1,
    ),
    # --- proxies
    Option(
        "proxy_headers", bool, True, "proxies",
        "Take client and scheme from the headers of trusted proxies.",
        uvicorn="What is no address does not become the client's.",
    ),
    Option(
        "forwarded_allow_ips", str, None, "proxies",
        "The trusted proxies: addresses, networks, unix:, unix:PATH, or * for all. "
        "Without it: FORWARDED_ALLOW_IPS of the environment, or 127.0.0.1,::1.",
        "a list with commas", listed=True, variable="FORWARDED_ALLOW_IPS",
        uvicorn="`unix:` and `unix:PATH` besides; what is no address is ignored, with a warning.",
    ),
    Option(
        "forwarded_headers", str, "x-forwarded-for,x-forwarded-proto", "proxies",
        "The headers that the trusted proxies set: x-forwarded-for, -proto, -host, -port, forwarded. "
        "What they pass on from clients must not be here.",
        choices=("x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-forwarded-port", "forwarded"),
        listed=True,
    ),
    Option(
        "strip_untrusted_forwarded", bool, False, "proxies",
        "Remove the headers of proxies from the requests of all other peers.",
    ),
    Option(
        "proxy_protocol", bool, False, "proxies",
        "Each connection from one of proxy_allow_ips begins with a PROXY header, version 1 or 2.",
    ),
    Option(
        "proxy_allow_ips", str, "127.0.0.1,::1", "proxies",
        "With proxy_protocol, the peers that send such a header, as in forwarded_allow_ips.",
        "a list with commas", listed=True,
    ),
    # --- process
    Option(
        "loop", str, "auto", "process", "What makes the event loop; auto: uvloop where it is installed.",
        choices=("auto", "uvloop", "asyncio", "none", "zuvloop"), importable=True,
        uvicorn="`zuvloop` is taken for `auto`, and a line says so.",
    ),
    Option(
        "http", str, "auto", "process",
        "The HTTP/1 implementation; auto: cython where it was built, else cffi or h11, in plain Python. "
        "Or what makes a connection's protocol from its Endpoint.",
        choices=("auto", "cython", "cffi", "h11", "httptools", "zttp"), importable=True,
        uvicorn="`httptools` and `zttp` are taken for `auto`, and a line says so. What an import "
        "string names is called with one argument, a `fastserve.net.endpoint.Endpoint`: not as uvicorn's.",
    ),
    Option(
        "http2", bool, False, "process", "HTTP/2. It is not there yet: the server does not start.",
        uvicorn="An error, until it is there.",
    ),
    Option(
        "h11_max_incomplete_event_size", int, None, "process",
        "Sets request_line_bytes_max and header_bytes_max, where those are not given.",
        "bytes", minimum=16, maximum=2**24,
        uvicorn="Each of the two may be so large here, and uvicorn obeys it with h11 only. A line tells what "
        "it sets.",
    ),
    Option(
        "health_path", str, None, "process",
        "Answer for the server: the first path by 200, the second by 503 once it is to end, or else by 200.",
        judge=forms.paths, form="a path or two, like /livez,/readyz",
    ),
    Option(
        "health_bind", str, None, "process",
        "Answer these paths here too, or /livez and /readyz, in plain HTTP by a parent process; not ready is "
        "also who has not started, or is blocked.",
        judge=forms.address, form="an address, as bind takes them",
    ),
    Option("pid_file", str, None, "process", "Write the number of this process to this file while it runs."),
    Option(
        "umask", str, None, "process", "The permissions that files made by the server and its workers lack.",
        "octal digits like 027", pattern="0?[0-7]{3}",
    ),
    Option(
        "threads", int, None, "process",
        "Threads of asyncio.to_thread and as many of anyio, for def endpoints; without it: what these have.",
        minimum=1, maximum=10000,
    ),
    Option(
        "limit_concurrency", int, None, "process",
        "With so many open connections, its own included, or running requests, a request is answered by 503.",
        minimum=1, maximum=2**31 - 1,
    ),
    Option(
        "limit_max_requests", int, None, "process",
        "Shut down gracefully after this many requests; a worker serves until another has taken its place.",
        minimum=1, maximum=2**31 - 1,
        uvicorn="The limit is met exactly, except with workers and by requests that are running, or on their "
        "way in a new connection, by then; 0 is refused.",
    ),
    Option(
        "limit_max_requests_jitter", int, 0, "process",
        "Add a random number up to this to limit_max_requests, so that servers do not stop at once.",
        minimum=0, maximum=2**31 - 1,
    ),
    _seconds(
        "timeout_graceful_shutdown", None,
        "At shutdown, requests in flight are cancelled after this time; without it, they take their time, or "
        "30 seconds where a parent process watches.",
        group="process",
    ),
    _seconds(
        "shutdown_delay_s", 0.0,
        "At shutdown, go on accepting for so long, while each answer closes its connection.", group="process",
    ),
    # --- workers
    Option(
        "workers", int, None, "workers",
        "So many processes serve, and one more watches them; without it: WEB_CONCURRENCY of the environment. "
        "0 or 1: a single process serves.",
        minimum=0, maximum=4096, variable="WEB_CONCURRENCY",
    ),
    Option(
        "timeout_worker_healthcheck", float, 5.0, "workers",
        "A worker whose event loop has not turned for so long is asked to end, and is killed after as long "
        "again.",
        "seconds", minimum=0.1, maximum=SECONDS_MAX,
        uvicorn="It is the event loop that has to answer, not a thread beside it: a call that blocks the "
        "loop for longer ends the worker.",
    ),
    Option("preload", bool, False, "workers", "A process imports the application once, and forks workers."),
    Option("supervise", bool, False, "workers", "Watch the process that serves even if it is only one."),
    Option(
        "control_socket", str, None, "workers",
        "Let `fastserve ctl` ask and command through this UNIX socket, which only its owner may use.",
    ),
    Option("user", str, None, "workers", "Workers run as this user, by name or number; the parent does not."),
    Option(
        "group", str, None, "workers",
        "Workers run in this group, by name or number; without it: in the user's.",
    ),
    _seconds(
        "worker_boot_timeout_s", 600.0,
        "A worker that does not serve after so long is killed; 0: never.", group="workers",
    ),
    _seconds(
        "worker_lifetime_s", 0.0, "A worker is replaced after so long, or up to a tenth less; 0: never.",
        group="workers",
    ),
    Option(
        "worker_memory_bytes_max", int, 0, "workers",
        "A worker whose resident memory is larger is replaced; 0: none is.",
        "bytes", minimum=0, maximum=2**62,
    ),
    Option(
        "reload", bool, False, "workers", "Start the application anew whenever a file of it changes.",
        uvicorn="HUP reloads too. The next process does not wait for more than half a second until the one "
        "before has finished its requests.",
    ),
    Option(
        "reload_dirs", str, (), "workers",
        "Watch this directory instead of the current one; may be repeated.",
        "a path", flag="--reload-dir", repeatable=True, judge=forms.existing,
        uvicorn="A directory that is not there is an error in `run()` and `Config` too.",
    ),
    Option(
        "reload_includes", str, (), "workers",
        "Watch files of this pattern besides *.py, which --reload-exclude *.py takes away; may be repeated.",
        "a pattern", flag="--reload-include", repeatable=True,
        uvicorn="It has its effect without `watchfiles` too.",
    ),
    Option(
        "reload_excludes", str, (), "workers",
        "Do not watch files of this pattern, or in this directory, besides .*, .py[cod], .sw.* and ~*, each "
        "of which --reload-include takes away; may be repeated.",
        "a pattern", flag="--reload-exclude", repeatable=True,
        uvicorn="It has its effect without `watchfiles` too, and the name of a directory for what is in it.",
    ),
    Option(
        "reload_delay", float, 0.25, "workers", "The time from one look for changes to the next.",
        "seconds", minimum=0, maximum=3600,
    ),
    # --- websocket
    Option(
        "ws", str, "auto", "websocket",
        "The WebSocket implementation; none: an upgrade is answered as an ordinary request.",
        choices=("auto", "cython", "none", "websockets", "websockets-sansio", "wsproto"),
        uvicorn="No import strings. `websockets`, `websockets-sansio` and, with `--http cython`, `wsproto` "
        "are taken for `auto`, and a line says so. With `none`, nothing is logged for an upgrade.",
    ),
    _bytes(
        "ws_max_size", 2**24, 1, "A longer message closes by 1009, before memory is taken for it.",
        group="websocket",
    ),
    _count("ws_max_queue", 32, 2**20, "Messages held for the application before reading stops.", "websocket"),
    _bytes(
        "ws_queue_bytes_max", 2**20, 1, "Their memory before reading stops, however few they are.",
        group="websocket",
    ),
    _count("ws_fragments_max", 2**17, 2**31 - 1, "A message in more frames closes by 1008.", "websocket"),
    _seconds(
        "ws_answer_timeout_s", 60.0,
        "How long the application may leave a handshake without an answer; then 503. 0: for ever.",
        "websocket",
    ),
    _seconds("ws_ping_interval", 20.0, "How often a client is asked whether it is there.", "websocket"),
    _seconds("ws_ping_timeout", 20.0, "How long it may take to answer; then 1011 closes.", "websocket"),
    _seconds("ws_close_timeout_s", 10.0, "How long a client may take to answer a Close.", "websocket"),
    Option(
        "ws_shutdown_code", str, "1012", "websocket",
        "The code by which connections are closed when the server ends; 1012 asks clients to come again.",
        "1000, 1001, 1012, 1013 or 3000 to 4999", pattern="100[01]|101[23]|[34][0-9]{3}",
    ),
    Option(
        "ws_per_message_deflate", bool, True, "websocket", "Compress messages, with clients that can.",
        valued=True,
    ),
    _bytes("ws_deflate_bytes_min", 256, 0, "Shorter messages are sent as they are.", group="websocket"),
    _count("ws_deflate_window_bits", 12, 15, "2 to the power of this is the window.", "websocket", 9),
    _count("ws_deflate_memory_level", 4, 9, "zlib's memLevel: memory for speed and ratio.", "websocket"),
    # --- logging
    Option(
        "log_level", str, None, "logging", "The least severe messages to log; without it: info.",
        choices=("critical", "error", "warning", "info", "debug", "trace"), numbered=True,
    ),
    Option(
        "log_config", str, "", "logging",
        "Configure logging from this file (or dictionary, in Python); without it: as docs/logging.md tells.",
        judge=forms.log_config, form="a .json, .yaml, .toml or .ini file",
    ),
    Option(
        "use_colors", bool, None, "logging",
        "Colours in the log; without it: where it goes to a terminal. Never in a file of the options below.",
        uvicorn="A `--log-config` file's formatters hear of it too.",
    ),
    Option("access_log", bool, True, "logging", "Log each request to stdout."),
    Option("access_log_file", str, None, "logging", "Log each request to this file instead."),
    Option(
        "access_log_format", str, "uvicorn", "logging",
        "The format of these lines; docs/logging.md has the names.",
        judge=forms.access_format, form="uvicorn, combined, json, or a text with gunicorn's %(NAME)s",
    ),
    Option(
        "access_log_exclude", str, "", "logging",
        "Do not log requests of these paths, such as /health; those that end in * are beginnings.",
        "a list with commas", listed=True,
    ),
    Option(
        "access_log_sample", float, 1.0, "logging",
        "The share of the requests that is logged, at random; an answer of 5xx always is.",
        minimum=0, maximum=1,
    ),
    Option(
        "access_log_slow_ms", int, 0, "logging",
        "Log only requests that took so long, and answers of 5xx. 0: log all.",
        "milliseconds", minimum=0, maximum=10**7,
    ),
    Option(
        "request_id", bool, False, "logging",
        "Name each request for the logs, as a trusted proxy does (X-Request-ID, traceparent) or at random.",
    ),
    Option("error_log_file", str, None, "logging", "Log messages to this file instead of stderr."),
    Option(
        "log_rotate", str, None, "logging", "When these files are changed for new ones; without it: never.",
        judge=forms.rotation, form="daily, hourly or a size such as 100MB",
    ),
    Option(
        "log_keep", int, 0, "logging", "How many old ones of each of these files are kept; 0: all.",
        minimum=0, maximum=10**6,
    ),
    # --- observation
    Option(
        "blocked_loop_ms", int, None, "observation",
        "Log what holds the event loop for so long, with its place in the code. 0: do not watch. "
        "Without it: 1000, or 100 with --reload.",
        "milliseconds", minimum=0, maximum=10**7,
    ),
    Option(
        "slow_request_ms", int, 0, "observation",
        "Log each request that took so long, with where its time went. 0: none.",
        "milliseconds", minimum=0, maximum=10**7,
    ),
    Option(
        "metrics", str, None, "observation",
        "Answer with what was counted, in OpenMetrics: on this path, or at an address of its own.",
        judge=forms.metrics, form="a path like /metrics, a port, HOST:PORT or unix:PATH",
    ),
    Option(
        "statsd", str, None, "observation", "Send what was counted to a StatsD server, every ten seconds.",
        judge=forms.datagrams, form="HOST:PORT",
    ),
    # --- headers
    Option(
        "headers", str, (), "headers", "A header for every response; may be repeated.",
        flag="--header", repeatable=True, paired=True,
    ),
    Option("server_header", bool, True, "headers", "Send a Server header."),
    Option("date_header", bool, True, "headers", "Send a Date header."),
    # --- tls
    Option("ssl_keyfile", str, None, "tls", "The private key, in PEM; without it: in ssl_certfile."),
    Option("ssl_certfile", str, None, "tls", "The certificate and its chain, in PEM: serve TLS."),
    Option(
        "ssl_keyfile_password", str, None, "tls",
        "The password of an encrypted key. Everyone on the machine can read a flag: prefer the environment.",
        uvicorn="Without it, an encrypted key is an error; uvicorn asks at the terminal.",
    ),
    Option(
        "ssl_version", int, 17, "tls",
        "A number of Python's ssl module: 17 (TLS 1.2 and newer; 2 is the same) or 5 (TLS 1.2).",
        minimum=2, maximum=17, uvicorn="Versions before TLS 1.2 are refused.",
    ),
    Option(
        "ssl_cert_reqs", int, 0, "tls",
        "The client's certificate: 0 (not asked for), 1 (optional) or 2 (required).",
        minimum=0, maximum=2, uvicorn="1 and 2 need ssl_ca_certs: without it nothing can be verified.",
    ),
    Option("ssl_ca_certs", str, None, "tls", "The authorities that may have issued a client's certificate."),
    Option("ssl_ciphers", str, None, "tls", "The cipher suites of TLS 1.2, in OpenSSL's notation."),
    _seconds(
        "ssl_reload_interval_s", 10.0,
        "How often to look whether the files have changed, to load them anew; 0: only on SIGHUP.",
        group="tls",
    ),
    # --- limits
    _bytes("request_line_bytes_max", 65536, 16, "A longer request line is answered by 414.", 2**24),
    _bytes("header_bytes_max", 65536, 16, "A larger header section is answered by 431.", 2**24),
    _count("header_count_max", 256, 65535, "More header fields are answered by 431."),
    _bytes("body_bytes_max", 0, 0, "A larger request body is answered by 413. 0: no limit.", 2**62),
    _count("pipelined_requests_max", 64, 65535, "Requests of a connection answered in one turn of the loop."),
    _bytes("write_buffer_bytes_max", 65536, 0, "Response bytes that wait for the client before send() does."),
    _bytes("read_buffer_bytes_max", 65536, 1, "Body bytes held for the application before reading stops."),
    _bytes("chunk_extension_bytes_max", 4096, 0, "Longer extensions of a chunk are answered by 400.", 2**24),
    _bytes(
        "discard_bytes_max", 262144, 0,
        "An unread rest of a body up to this is discarded to keep the connection; a longer one closes it.",
    ),
    _seconds(
        "timeout_keep_alive", 5.0, "How long an idle connection is kept; 0: it closes after each answer."
    ),
    _seconds("ssl_handshake_timeout_s", 30.0, "How long a TLS handshake may take before it is given up."),
    _seconds("head_timeout_s", 30.0, "How long a request head may take to arrive; then 408."),
    _seconds("body_timeout_s", 30.0, "How long a body may take to arrive, beyond its minimum rate."),
    Option(
        "body_rate_min_bytes_s", float, 500.0, "limits",
        "The minimum rate of a body: its deadline is body_timeout_s + bytes / rate.",
        "bytes/s", minimum=1, maximum=BYTES_MAX,
    ),
    _seconds("write_timeout_s", 60.0, "How long a client may leave a waiting response untouched."),
    _seconds("half_close_timeout_s", 5.0, "How long a request goes on after its client closed its side."),
    _seconds("linger_timeout_s", 2.0, "How long to read on after an early answer, so that it arrives."),
    # --- wsgi
    Option(
        "wsgi_threads", int, 10, "wsgi",
        "Threads for the application, at most; 0: it runs in the event loop's, and stalls it meanwhile.",
        minimum=0, maximum=10000,
    ),
    Option("wsgi_threads_min", int, 1, "wsgi", "Threads that are kept idle.", minimum=0, maximum=10000),
    Option(
        "wsgi_queue_max", int, 2048, "wsgi",
        "Requests that may wait for a thread; more are answered by 503 with Retry-After.",
        minimum=1, maximum=10**6,
    ),
    _seconds(
        "wsgi_thread_timeout_s", 60.0,
        "Log the stack of a thread that has sent and read nothing for so long; 0: never.", group="wsgi",
    ),
    _seconds(
        "wsgi_thread_idle_timeout_s", 30.0, "Idle threads beyond the minimum end after this; 0: never.",
        group="wsgi",
    ),
    Option(
        "wsgi_body_memory_bytes_max", int, 2**20, "wsgi",
        "With --wsgi-threads 0, a larger request body waits in a temporary file.",
        "bytes", minimum=0, maximum=BYTES_MAX,
    ),
)  # fmt: skip

BY_NAME = {option.name: option for option in OPTIONS}


def unknown(spelled: str, names: Iterable[str] = BY_NAME) -> str:
    """Return the line for an option that does not exist: that uvicorn has it, or which of `names` is near."""
    from difflib import get_close_matches

    name = spelled.lower().removeprefix("uvicorn_").lstrip("-").replace("-", "_").removeprefix("no_")
    if {name, name + "s"} & UVICORN_OPTIONS - {*BY_NAME}:  # --reload-dir is the flag of reload_dirs
        return f"{spelled} is an option of uvicorn that fastserve does not have yet."
    near = get_close_matches(spelled, sorted(names), 1)
    return f"Unknown option: {spelled}." + (f" Did you mean {near[0]}?" if near else "")


def _markdown() -> str:
    """docs/options.md."""
    lines = [
        "# Options",
        "",
        "Made from the table in `fastserve/options.py` by `python -m fastserve.options > docs/options.md`.",
        "",
        "An option is a flag of the command, a keyword of `fastserve.run()` and `fastserve.Config`, and, for",
        f"the command, an environment variable `{ENVIRONMENT_PREFIX}<KEYWORD>` and a name in the",
        "configuration file: [configuration.md](configuration.md) tells which of them goes first.",
    ]
    for group, title in GROUPS.items():
        lines += ["", f"## {title}", "", "| flag | keyword | default | values | |", "|---|---|---|---|---|"]
        for option in OPTIONS:
            if option.group == group:
                flag = "`, `".join(option.spelling.split("/"))
                default = "" if option.default in (None, (), "") else f"`{_default(option.default)}`"
                unit = "" if option.type is str else option.unit
                values = f"{option.expects.removeprefix('one of ')} {unit}".strip()
                lines.append(f"| `{flag}` | `{option.name}` | {default} | {values} | {option.help} |")
    return "\n".join(lines) + "\n"


def _default(value: Any) -> str:
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text.lower() if isinstance(value, bool) else text


if __name__ == "__main__":
    print(_markdown(), end="")
