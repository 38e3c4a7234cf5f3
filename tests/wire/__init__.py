"""The server seen from its socket: bytes in, bytes out, and what the application was told.

    script.py    what shall the application do?         steps written by a test, carried out by app.py
    app.py       the application under every test       records each request that reaches it
    seen.py      what did the application see?
    client.py    is this answer well-formed HTTP/1.1?   strict parser and socket client
    exchange.py  one conversation, in pieces            over a socket: whole, byte by byte, cut
    memory.py    the same, cut at every offset          over a transport in memory; knows the core
    servers.py   which servers run?                     subprocesses, one per set of options
    verdict.py   what must an outcome be?               REFUSE and its relatives
    fuzz_connection.py  what must hold for any bytes?   with fuzz_inputs.py: random ones, in memory
    storm.py     does any order of steps harm?          random ones, in memory; with storm_actor, storm_client

Tests named `test_row_NN_...` are the numbered cases of hostile input; the rest is a connection's daily life.
"""
