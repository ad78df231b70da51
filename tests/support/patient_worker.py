"""A worker whose batches end when a test lets them, not after a few seconds: `python -m tests.support.patient_worker`."""

import sys

from api.worker import main, together

if __name__ == "__main__":
    together.PATIENCE_S = 600.0
    sys.exit(main.main())
