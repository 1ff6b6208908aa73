"""`python -m medstack` is `medstack`."""

import sys

from medstack.cli import main

if __name__ == "__main__":
    sys.exit(main())
