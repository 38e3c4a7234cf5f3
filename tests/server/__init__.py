"""The command and the Python interface as users meet them: processes, signals, sockets."""
