"""The engine disk: the suite that all engines pass."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import engine_suite
import holdfast
from engine_suite import Disk

engine_suite.add_tests(globals(), Disk)


if __name__ == "__main__":
    holdfast.main()
