"""Bills of supply: issued with a number that nobody skips, paid, cancelled, printed."""
