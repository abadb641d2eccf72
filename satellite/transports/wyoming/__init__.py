"""Home Assistant, over the Wyoming protocol."""
