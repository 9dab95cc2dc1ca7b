"""``python -m tepal``: see ``tepal.command``."""

import sys

from tepal.command import main

if __name__ == "__main__":
    sys.exit(main())
