"""Inventories of devices: what agents send, read as it is, and taken into the register in one transaction each."""
