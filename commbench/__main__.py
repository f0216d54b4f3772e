"""Let `python -m commbench` do what the `commbench` command does."""

from commbench.cli.main import main

if __name__ == "__main__":
    main()
