"""What the owner of a bench adds for a day at it: a plan that measures a strip of wells with a technician at hand."""
