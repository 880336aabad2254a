"""`python -m everpost.entrypoints.cli`."""

import sys

from everpost.entrypoints.cli import main

sys.exit(main())
