"""One file for each source of evidence; `facility_review.collecting` finds them by listing this package."""
