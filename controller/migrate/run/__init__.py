"""A plan carried out: devices over SSH, the fabric by its controller, each step checked, journalled, reversible."""
