"""Target, table and dataset documents: validated, versioned, changed together or not at all, and looked up."""
