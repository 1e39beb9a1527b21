"""Files that people write, read into frozen values, with line numbers in every refusal."""
