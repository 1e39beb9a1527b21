"""``python -m autolab.cli``: the command, where its script is not on the path."""

import sys

from autolab.cli.entry import main

sys.exit(main())
