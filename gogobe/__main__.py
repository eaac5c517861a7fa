"""`python -m gogobe`: the command `gogobe`."""

from gogobe.cli import main

if __name__ == "__main__":
    main()
