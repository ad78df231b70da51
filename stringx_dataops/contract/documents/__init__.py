"""Documents that users write: targets, tables and datasets. They are read strictly."""
