"""``python -m studio`` is the command ``trocar``."""

import sys

from studio.cli import main

if __name__ == "__main__":  # spawned children import this module again and must not start over
    sys.exit(main())
