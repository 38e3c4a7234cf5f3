"""How fastserve is built: used by setup.py and the Makefile, never installed."""
