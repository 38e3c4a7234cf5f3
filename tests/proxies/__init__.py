"""fastserve behind the real nginx and the real HAProxy, configured as docs/proxies.md says.

page.py      which configurations does the page show?
proxy.py     how is a proxy started with one of them?
test_*.py    what does the application see of a client behind it?
"""
