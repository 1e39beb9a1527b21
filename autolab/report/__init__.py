"""Documents and pictures made from the journal."""
