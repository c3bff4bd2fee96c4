"""The ways in and out of the house: one package for each; nothing else knows a wire format."""
