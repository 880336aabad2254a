"""The audit trail in a topic of Apache Kafka, or of whatever speaks its protocol."""

from everpost.sinks.kafka.cluster import Cluster, Login
from everpost.sinks.kafka.sink import KafkaSink

__all__ = ["Cluster", "KafkaSink", "Login"]
