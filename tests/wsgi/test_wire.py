"""Is the wire the same when a WSGI application answers? The wire suite's cases, on its terms.

Over sockets, in one piece, byte by byte and cut; in threads and in the loop's thread. Left out is what is
said in ASGI's messages alone, and what memory.py drives.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from wire.exchange import SOCKET_SPLITS, Delivery, SocketDelivery
from wire.servers import PROFILES, Pool, Server
from wire.test_framing import *  # noqa: F403
from wire.test_head_syntax import *  # noqa: F403
from wire.test_responses import (  # noqa: F401
    test_answer_in_one_message,
    test_application_that_chunks_by_name,
    test_date_and_server,
    test_date_and_server_of_the_application_stand_alone,
    test_error_answers_are_well_formed,
    test_fields_of_the_application,
    test_refused_head_request_gets_no_body,
    test_row_28_among_valid_fields,
    test_row_28_control_character_in_a_value,
    test_row_28_invalid_name,
    test_row_28_value_that_would_inject,
    test_row_37_head,
    test_row_37_status_without_a_body,
    test_row_38_less_than_its_content_length,
    test_row_38_more_than_its_content_length,
    test_status_line,
    test_streamed_answer_is_chunked,
)

# An environ does not keep the order of fields, nor their number.
del test_every_character_of_a_field_name, test_fields_keep_their_order_and_their_number  # noqa: F821
# Whether the application is called for a body that breaks off is chance;
# test_input.py has what it hears if it is.
del test_row_14_end_within_a_body  # noqa: F821


class WsgiPool(Pool):
    """Servers of the WSGI application, with the wire suite's options and these."""

    def __init__(self, threads: int) -> None:
        super().__init__()
        self._threads = threads

    def get(self, http: str, profile: str = "plain") -> Server:
        server = self._servers.get((http, profile))
        if server is None or server.process.poll() is not None:
            options = {**PROFILES[profile], "wsgi-threads": self._threads}
            server = self._servers[http, profile] = Server(http, options, "wsgi.wire_app:app")
        return server


@pytest.fixture(scope="module", params=[4, 0], ids=["threads", "inline"])
def pool(request: pytest.FixtureRequest) -> Iterator[Pool]:
    servers = WsgiPool(request.param)
    yield servers
    servers.stop()


@pytest.fixture
def server(pool: Pool, http: str) -> Server:
    running = pool.get(http)
    running.seen()
    return running


@pytest.fixture(params=SOCKET_SPLITS)
def deliver(request: pytest.FixtureRequest, pool: Pool, http: str) -> Delivery:
    return SocketDelivery(request.param, pool, http, SOCKET_SPLITS[request.param])
