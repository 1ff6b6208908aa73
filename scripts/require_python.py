"""Say plainly, before anything is installed, when this Python is too old."""

import sys

if sys.version_info < (3, 11):
    sys.exit(f"MedStack needs Python 3.11 or newer; this is {sys.version.split()[0]}.")
