"""The endpoints: one handler, one Lambda, each; the folder is the stack it deploys in."""

import gc

# Importing makes a few hundred thousand objects that stay. Looking for garbage among them again and again costs a cold
# start 14 of 240 ms (docs/performance.md); until so many have been made, there is hardly any.
gc.set_threshold(250_000, 20, 20)
