"""The server seen by the application: what it is called with, what its messages do, what its task is.

    serving.py            one server in a thread of the test; gates that hold the application
    apps.py               the sentences that the applications of many tests are made of

    test_scope.py         what is a request?
    test_receive.py       what does receive() give, and when; what happens to one that is cancelled?
    test_send.py          what may be sent, in which order and from where?
    test_send_checks.py   which messages are refused, and in which words?
    test_disconnect.py    what does an application hear of a client that goes?
    test_task.py          is the application in a task like any other?
    test_cancellation.py  does whatever cancels a task work: asyncio's own, anyio's?
    test_context.py       which context variables does a request see?
    test_callables.py     what is an application?
    test_failures.py      what if it raises, or stops halfway?
    test_background.py    what if it works on behind its answer?
    test_shutdown.py      what is cancelled at the end, and what runs after that?
    test_frameworks.py    Starlette and FastAPI
    test_objects.py       is anything left alive?
    test_chance.py        random applications, random clients

Every test runs on uvloop and on asyncio's own loop. Each has a server of its own, and at its end the fixture
looks at what is left: errors in the log that the test did not expect, exceptions that reached the event loop,
tasks that still run, and, in a debug build, living objects.
"""
