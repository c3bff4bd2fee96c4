"""`python -m assistant`."""

from assistant.server import main

if __name__ == "__main__":
    main()
