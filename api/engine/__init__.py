"""Running dbt: in warm children (`pool`, `child`) or as a command (`command`), and reading what it leaves (`outcome`)."""
