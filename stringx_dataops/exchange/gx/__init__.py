"""Great Expectations: suites as JSON."""
