"""The StringX Backend: receives triggers, tracks requests, owns configuration and results, answers for the gate."""
