"""What happens by the clock: sending, recovering, letting holds go."""
