"""REST v10: one file per resource, one pipeline for what all calls share."""
