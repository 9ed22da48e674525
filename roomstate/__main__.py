"""`python -m roomstate`: the same as the `roomstate` command; this is how `up` starts its parts."""

from roomstate.cli import main

if __name__ == "__main__":
    main()
