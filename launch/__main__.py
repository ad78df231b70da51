"""`python -m launch ROLE`."""

import sys

from launch.roles import main

sys.exit(main(sys.argv[1:]))
