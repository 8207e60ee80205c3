"""`python -m intermezzo` is the `intermezzo` command."""

from intermezzo.cli import main

if __name__ == "__main__":
    main()
