"""What happens to whole processes: workers, reload, signals, crashes."""
