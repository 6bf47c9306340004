"""People and services that use a controller: who they are, how they show it, what they may do."""
