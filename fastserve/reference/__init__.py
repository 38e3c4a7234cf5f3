"""The HTTP/1.1 server in plain Python: to be read, and to judge the fast one."""
