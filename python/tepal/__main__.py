"""``python -m tepal``: see ``tepal.command``."""

import sys

from tepal.command import main

sys.exit(main())
