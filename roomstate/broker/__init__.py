"""A single-node Apache Kafka on loopback, for development and tests: its jars from Maven, its process, its folder."""
