"""Minutes of valid and hostile traffic over a real application: is every answer right, and memory flat?

python -m soak SECONDS [PICTURE]    from tests/; `make soak` does that with the debug build

app.py          examples/fastapi_app, and what the process holds
traffic.py      what do the clients do?
run.py          the server, its clients, and a measurement each second; what must hold at the end
plot.py         the measurements as a picture
test_soak.py    a few seconds of it, with the suite
"""
