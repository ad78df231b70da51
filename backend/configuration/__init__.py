"""Target, table and dataset documents: validated, versioned, changed all or nothing, looked up."""
