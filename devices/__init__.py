"""What an instrument can do, one kind of hardware a file."""
