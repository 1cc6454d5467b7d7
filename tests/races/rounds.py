"""How often a race is run: 10 rounds in CI, 50 and more in `make soak`, 3 otherwise."""

import os

ROUNDS = int(os.environ.get("PILOT_RACE_ROUNDS", "3"))
