"""How hard the random tests try, each in proportion: ``CLOS_EXAMPLES=5000 make test`` tries harder than the
default, 100."""

from __future__ import annotations

import os

EXAMPLES = int(os.environ.get("CLOS_EXAMPLES", "100"))
