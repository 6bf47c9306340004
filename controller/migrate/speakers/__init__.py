"""What speaks legacy protocols at the fabric's borders: HSRP, EIGRP, and a watch on BPDUs."""
