"""The process that starts and watches those that serve. It imports neither the application nor the core."""
