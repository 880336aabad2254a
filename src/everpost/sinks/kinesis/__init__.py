"""The audit trail in an Amazon Kinesis data stream."""

from everpost.sinks.kinesis.dead_letters import to_queue
from everpost.sinks.kinesis.sink import KinesisSink

__all__ = ["KinesisSink", "to_queue"]
