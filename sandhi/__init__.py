"""The house put together: command line, supervision, demo."""
