"""Migration: a legacy EIGRP/PVST+ network, discovered, predicted, and moved onto the fabric phase by phase."""
