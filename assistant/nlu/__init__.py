"""What is read out of a message besides its intent: days and times, choices, language."""
