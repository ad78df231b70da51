"""TPC-H's lineitem as an Iceberg table: twenty rules in one scan, beside the same select by hand."""
