"""``python -m netwright.testing.drill``."""

import sys

from netwright.testing.drill.command import main

sys.exit(main())
