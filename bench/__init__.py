"""What a request costs: fastserve beside its peers, nginx and the floor. Run by ``python -m bench``.

The method is told in docs/benchmarks.md. Room by room; each knows those above it, and `fastserve.measure`,
which measures:

=================  ===========================================================
``apps/``          what is served: each file stands alone
``floor``          a uvloop protocol that answers canned bytes
``alone``          an application that no server calls
``workload``       what a workload, a row of it, a sample and a comparison are
``programs``       programs of the system, and their versions
``servers``        one row per server: its command and its version
``serving``        a row's server, started on its core
``load``           a workload that wrk drives
``application``    the same, beside the application alone
``h2load``         a workload that h2load drives
``clients``        a load client in C, compiled and run
``message_load``   a workload of WebSocket messages, that messages.c drives
``held``           a workload of connections that stay, and are weighed
``paced_load``     a workload at a constant rate, that paced.c drives
``workloads/``     one file per workload: what is asked, and the goal
``result``         samples -> medians, ratios, verdicts; their file of JSON
``standing``       who is the first among the Python servers
``rounds``         in which order is measured
``text``           a report in words; ``terminal``, ``markdown``, ``charts``: where they stand
``memory``         a connection without a socket, for ``micro/`` and ``hello_path``
``instructions``   how many a hello request takes, by callgrind
``parts``          where a request's time goes, by perf
``publish``        results.json -> the README's table, docs/benchmark-results.md, docs/charts/
=================  ===========================================================

``deflate`` is a program of its own: what compression of WebSocket messages costs and saves.

To add a workload, add a file to ``workloads/``; to add a server, a row to ``servers.SERVERS``.
"""
