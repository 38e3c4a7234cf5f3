"""The workloads, one file each, in the order in which they are run and printed."""

from bench.workload import Workload
from bench.workloads import (
    close,
    echo,
    flask,
    handshake,
    hello,
    hello_log,
    idle,
    large,
    pipelined,
    start,
    streamed,
    tls,
    ws_medium,
    ws_small,
    wsgi,
    wsgi_inline,
    wsgi_mixed,
)

WORKLOADS: dict[str, Workload] = {
    module.WORKLOAD.name: module.WORKLOAD
    for module in (
        hello,
        hello_log,
        pipelined,
        streamed,
        echo,
        large,
        close,
        tls,
        handshake,
        wsgi,
        wsgi_inline,
        wsgi_mixed,
        flask,
        ws_small,
        ws_medium,
        idle,
        start,
    )
}
