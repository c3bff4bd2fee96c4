"""What other systems call: each proves by a signature who it is."""
