"""`python -m dataforge` and the `forge` command."""

from dataforge.cli.main import main

if __name__ == "__main__":
    main()
