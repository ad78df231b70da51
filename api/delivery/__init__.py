"""Results on their way to the Backend: posted until they are acknowledged."""
