"""`python -m oxide.cli` is `oxide`."""

from __future__ import annotations

import sys

from . import main

sys.exit(main())
