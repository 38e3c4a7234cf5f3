"""What do uvicorn and fastserve do with the same option?

Both are run, and what a client and the logs see is compared. `make evidence` puts the table into
docs/migrating-from-uvicorn.md; `cases.py` says what is tried, and why there is a difference where there is.
"""
