"""History: with each result a point per rule, and the present state of its table or dataset; and what keeps both true."""
