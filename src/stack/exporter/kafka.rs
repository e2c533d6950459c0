//! Metrics of the Kafka exporter (`danielqsj/kafka-exporter`).

exporter! { "kafka";
    /// Brokers in the cluster.
    BROKERS: gauge("kafka_brokers", []);
    /// The newest offset of a partition.
    PARTITION_OFFSET: gauge("kafka_topic_partition_current_offset", ["topic", "partition"]);
    /// How far a consumer group is behind.
    CONSUMER_LAG: gauge("kafka_consumergroup_lag", ["consumergroup", "topic", "partition"]);
    /// Partitions with too few replicas in sync.
    UNDER_REPLICATED: gauge("kafka_topic_partition_under_replicated_partition", ["topic", "partition"]);
}
