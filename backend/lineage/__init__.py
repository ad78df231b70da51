"""OpenLineage: results as run events with the facets of data quality, for whoever collects lineage."""
