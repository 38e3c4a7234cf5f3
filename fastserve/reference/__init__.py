"""The HTTP/1.1 server in plain Python: to be read (docs/how-a-server-works.md), and to judge the fast one."""
