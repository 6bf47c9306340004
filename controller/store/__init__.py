"""The store: revisions, who, when, why, and what became of them. SQLite, one file, survives being killed."""

from clos.controller.store.revision import (
    APPLIED,
    APPLYING,
    FAILED,
    UNDONE,
    AuditEntry,
    Draft,
    NotLeading,
    Record,
    Revision,
    StoreError,
)
from clos.controller.store.store import Store

__all__ = [
    "APPLIED",
    "APPLYING",
    "FAILED",
    "UNDONE",
    "AuditEntry",
    "Draft",
    "NotLeading",
    "Record",
    "Revision",
    "Store",
    "StoreError",
]
