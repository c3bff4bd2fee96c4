"""The clinical gate: what decides that a message goes to a person and not to the bot."""
