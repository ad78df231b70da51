"""Messages between the services and their callers: requests, results, lists, and Kafka messages."""
