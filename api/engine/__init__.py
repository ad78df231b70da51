"""Running dbt: warm children (`pool`, `child`), the command line (`command`), and what its results say (`outcome`)."""
