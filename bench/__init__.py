"""How fast Sandhi is on this machine, beside `rasa init`'s assistant: `python -m bench`."""
