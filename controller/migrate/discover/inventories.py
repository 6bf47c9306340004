"""Which kind of inventory a file, directory or URL is: told by what is in it.

Lives here: the order in which kinds are tried. Must not know: what any of them looks like inside.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from clos.controller.migrate.discover.inventory import Found, InventoryProblem, of_document, parsed
from clos.controller.migrate.discover.inventory_ansible import Loader, looks_ansible, looks_ini, read_ansible
from clos.controller.migrate.discover.inventory_netbox import looks_csv, looks_netbox, of_csv, of_devices, read_api


def read_hosts(source: str) -> Found:
    """The hosts of an inventory of whatever kind. Raises InventoryProblem, OSError."""
    if source.startswith(("http://", "https://")):
        return read_api(source)
    path = Path(source)
    if path.is_dir():
        return read_ansible(path)
    text = path.read_bytes().decode("utf-8", "replace")
    if looks_ini(text):
        return read_ansible(path, text)
    if looks_csv(text):
        return of_csv(source, text)
    document = _document(path, text)
    if looks_netbox(document):
        return of_devices(source, document["results"] if isinstance(document, dict) else document)
    if looks_ansible(document):
        return read_ansible(path, text, document)
    return Found(of_document(path, document))


def _document(path: Path, text: str) -> Any:
    """The YAML or JSON document; tags of Ansible's (``!vault``) are taken where nothing else is wrong."""
    try:
        return parsed(path, text)
    except InventoryProblem:
        if "!" not in text:
            raise
        loader = Loader(text)
        try:
            found: Any = loader.get_single_data()
        except Exception:
            found = None
        if not looks_ansible(found):
            raise
        return found
