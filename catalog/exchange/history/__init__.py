"""People's own files: what they take with them from other sites, and its way into a viewer's history."""
