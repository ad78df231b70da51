"""HTTP routes of the DataOps service: parse, call one function, render."""
