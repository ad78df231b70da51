"""Events of gates as a list, for whoever does not read Kafka."""
