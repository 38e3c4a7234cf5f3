"""What a request costs: fastserve beside uvicorn, nginx and the floor. Run by ``python -m bench``.

The method is told in docs/benchmarks.md. Room by room:

=================  ===========================================================
``app``            the ASGI application that fastserve and uvicorn serve
``floor``          a uvloop protocol that answers canned bytes
``servers``        one row per server: its command and its version
``workloads/``     one file per workload: what is asked, and the goal
``workload``       what a workload, a sample and a comparison are
``process``        a server on its core, from its start to its end
``kernel``         what the kernel says of a process: CPU time, memory
``probe``          are a server's answers right, and how long are they?
``load``           one run of wrk, judged
``result``         samples -> medians, ratios, verdicts
``render``         the terminal's table, Markdown, JSON
=================  ===========================================================
"""
