"""The versions of the readiness instrument, one file each; `facility_review.instrument` reads them."""
