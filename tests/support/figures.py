"""The name under which tests record figures for the end of a run."""

from __future__ import annotations

FIGURES = "figures"
