"""What the services say to each other and to callers: requests, results, lists, and the messages of Kafka."""
