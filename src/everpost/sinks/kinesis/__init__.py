"""The audit trail in an Amazon Kinesis data stream."""

from everpost.sinks.kinesis.dead_letters import DeadLetters
from everpost.sinks.kinesis.sink import KinesisSink

__all__ = ["DeadLetters", "KinesisSink"]
