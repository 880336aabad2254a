"""Brokers on loopback, as librdkafka has them for its own tests, and a reader by librdkafka's client.

They speak Kafka's protocol over real sockets, lead partitions and keep records; they can be shut, and told to refuse.
They know neither TLS nor logins.
"""

import ctypes
import json
from contextlib import contextmanager
from pathlib import Path

import confluent_kafka
from confluent_kafka import Consumer, TopicPartition

from system_parts import missing

PRODUCE = 0  # the number of the request in Kafka's protocol
TOO_LARGE = 10  # MESSAGE_TOO_LARGE
NOT_LEADER = 6
DENIED = 29  # TOPIC_AUTHORIZATION_FAILED
READ_S = 20.0
_PRODUCER = 0  # a kind of client; every cluster belongs to one


class Brokers:
    """A cluster. Its brokers are numbered from 1."""

    def __init__(self, count=3):
        self._lib = _library()
        error = ctypes.create_string_buffer(512)
        conf = self._lib.rd_kafka_conf_new()
        self._lib.rd_kafka_conf_set(conf, b"log_level", b"0", error, 512)
        self._client = self._lib.rd_kafka_new(_PRODUCER, conf, error, 512)
        self._cluster = self._lib.rd_kafka_mock_cluster_new(self._client, count)
        self.count = count

    @property
    def addresses(self):
        return tuple(self._lib.rd_kafka_mock_cluster_bootstraps(self._cluster).decode().split(","))

    def add_topic(self, name, partitions):
        assert self._lib.rd_kafka_mock_topic_create(self._cluster, name.encode(), partitions, 1) == 0

    def refuse(self, *codes):
        """What becomes of the next requests to produce, one a code; 0 is none."""
        array = (ctypes.c_int * len(codes))(*codes)
        self._lib.rd_kafka_mock_push_request_errors_array(self._cluster, PRODUCE, len(codes), array)

    def shut(self):
        """Connections are cut, and new ones refused."""
        for broker in range(1, self.count + 1):
            self._lib.rd_kafka_mock_broker_set_down(self._cluster, broker)

    def open(self):
        for broker in range(1, self.count + 1):
            self._lib.rd_kafka_mock_broker_set_up(self._cluster, broker)

    def close(self):
        self._lib.rd_kafka_mock_cluster_destroy(self._cluster)
        self._lib.rd_kafka_destroy(self._client)

    def read(self, topic):
        """All records of a topic, partition by partition in order."""
        reader = Consumer(
            {
                "bootstrap.servers": ",".join(self.addresses),
                "group.id": "reader",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "log_level": 0,
            }
        )
        try:
            partitions = reader.list_topics(topic, timeout=READ_S).topics[topic].partitions
            reader.assign([TopicPartition(topic, number, 0) for number in partitions])
            records, ended = [], 0
            while ended < len(partitions):
                record = reader.poll(READ_S)
                assert record is not None, f"{topic} could not be read"
                if record.error() is None:
                    records.append(record)
                else:
                    assert record.error().code() == confluent_kafka.KafkaError._PARTITION_EOF
                    ended += 1
        finally:
            reader.close()
        return sorted(records, key=lambda record: (record.partition(), record.offset()))

    def events(self, topic):
        return [json.loads(record.value()) for record in self.read(topic)]

    def ids(self, topic):
        return [event["id"] for event in self.events(topic)]


@contextmanager
def brokers(count=3):
    cluster = Brokers(count)
    try:
        yield cluster
    finally:
        cluster.close()


def _library():
    """The library in the client's own wheel, which the client has loaded."""
    folder = Path(confluent_kafka.__file__).parents[1] / "confluent_kafka.libs"
    found = sorted(folder.glob("librdkafka*"))
    if not found:
        missing("confluent-kafka's wheel has no librdkafka of its own here")
    lib = ctypes.CDLL(str(found[0]))
    for name, result, arguments in _FUNCTIONS:
        function = getattr(lib, name)
        function.restype, function.argtypes = result, arguments
    return lib


_POINTER, _TEXT, _INT, _SIZE = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_size_t
_FUNCTIONS = (
    ("rd_kafka_conf_new", _POINTER, ()),
    ("rd_kafka_conf_set", _INT, (_POINTER, _TEXT, _TEXT, _TEXT, _SIZE)),
    ("rd_kafka_new", _POINTER, (_INT, _POINTER, _TEXT, _SIZE)),
    ("rd_kafka_destroy", None, (_POINTER,)),
    ("rd_kafka_mock_cluster_new", _POINTER, (_POINTER, _INT)),
    ("rd_kafka_mock_cluster_destroy", None, (_POINTER,)),
    ("rd_kafka_mock_cluster_bootstraps", _TEXT, (_POINTER,)),
    ("rd_kafka_mock_topic_create", _INT, (_POINTER, _TEXT, _INT, _INT)),
    ("rd_kafka_mock_push_request_errors_array", None, (_POINTER, ctypes.c_int16, _SIZE, _POINTER)),
    ("rd_kafka_mock_broker_set_down", _INT, (_POINTER, ctypes.c_int32)),
    ("rd_kafka_mock_broker_set_up", _INT, (_POINTER, ctypes.c_int32)),
)
