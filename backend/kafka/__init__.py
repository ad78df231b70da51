"""Kafka: requests come in from a topic, results go out to another."""
