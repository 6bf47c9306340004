"""How hard the random tests try, each in proportion: ``CLOS_EXAMPLES=5000 make test`` tries harder than the
default, 100. Below 20 some would try nothing, so that is the least."""

from __future__ import annotations

import os

EXAMPLES = max(20, int(os.environ.get("CLOS_EXAMPLES", "100")))
