"""``python -m netwright.sim.drill``."""

import sys

from netwright.sim.drill.command import main

sys.exit(main())
