"""The journal: the durable record from which a lab can be restarted and every number traced."""
