"""What a user writes: target, table and dataset documents, read strictly, with the fields and values in them."""
