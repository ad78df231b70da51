"""HTTP routes of the Backend: parse, call one function, render."""
