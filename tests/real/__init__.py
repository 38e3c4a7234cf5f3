"""The examples, served as their readers would serve them and driven by the clients that people use.

Each test module starts one example as a subprocess and asks it things over TCP. What the answers must be is
the business of the examples and of HTTP, not of one server: so the same tests run against another server, and
that one is an oracle for the tests themselves.

    FASTSERVE_TEST_SERVER_CMD="$(which python) -m uvicorn" pytest tests/real

uvicorn 0.54 fails one of them, which says so: it sends chunks to an HTTP/1.0 client.

The command is given `module:app --app-dir DIR --host 127.0.0.1 --port 0` and must print the address it took.
"""
