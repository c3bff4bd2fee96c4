"""`python -m sandhi`."""

from sandhi.cli import main

if __name__ == "__main__":
    main()
