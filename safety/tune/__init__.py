"""Teaching the sentence model how patients write: `python -m safety.tune`."""
