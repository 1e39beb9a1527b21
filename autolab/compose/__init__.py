"""The one place that builds a running lab from its files, and resolves dotted names."""
