"""What does a server's work cost? One server at a time, on a core of its own, by the kernel's account.

`fastserve bench` and the project's own benchmark (``bench/``) measure by the same means:

=================  ===========================================================
``spread``         what several rounds say: medians, ratios, and whether a difference is more than noise
``interrupts``     when Ctrl-C counts
``kernel``         what the kernel says of a process and its children: CPU time, memory
``process``        a server on its core, from its start to its certain end
``probe``          are a server's answers right, and how long are they?
``wrk``            one run of wrk, judged
``cost``           what a request costs under it
``duel``           an application under two servers, in rounds
=================  ===========================================================
"""
