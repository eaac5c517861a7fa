package io.gogobe;

import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.beam.sdk.coders.ByteArrayCoder;
import org.apache.beam.sdk.coders.Coder;
import org.apache.beam.sdk.coders.NullableCoder;
import org.apache.beam.sdk.expansion.ExternalTransformRegistrar;
import org.apache.beam.sdk.io.kafka.KafkaIO;
import org.apache.beam.sdk.transforms.ExternalTransformBuilder;
import org.apache.beam.sdk.transforms.PTransform;
import org.apache.beam.sdk.values.KV;
import org.apache.beam.sdk.values.PBegin;
import org.apache.beam.sdk.values.PCollection;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Reads some partitions of a topic. Beam's own cross-language read takes whole topics, and assigns the partitions
 * itself instead of joining the consumer group: two jobs of one group would each read everything. With
 * disjoint partitions, jobs of one group share a topic, and each commits the offsets of its own partitions.
 */
public final class KafkaPartitions implements ExternalTransformRegistrar {
  private static final String URN = "gogobe:transform:read_kafka_partitions:v1";

  @Override
  public Map<String, ExternalTransformBuilder<?, ?, ?>> knownBuilderInstances() {
    return Map.of(URN, new Builder());
  }

  /** The configuration that the Python side sends; Beam calls the setters. */
  public static final class Configuration {
    private Map<String, String> consumerConfig;
    private String topic;
    private List<Long> partitions;

    public void setConsumerConfig(Map<String, String> consumerConfig) {
      this.consumerConfig = consumerConfig;
    }

    public void setTopic(String topic) {
      this.topic = topic;
    }

    public void setPartitions(List<Long> partitions) {
      this.partitions = partitions;
    }
  }

  private static final class Builder
      implements ExternalTransformBuilder<Configuration, PBegin, PCollection<KV<byte[], byte[]>>> {

    @Override
    public PTransform<PBegin, PCollection<KV<byte[], byte[]>>> buildExternal(Configuration configuration) {
      Coder<byte[]> coder = NullableCoder.of(ByteArrayCoder.of());
      return KafkaIO.<byte[], byte[]>read()
          .withConsumerConfigUpdates(Map.copyOf(configuration.consumerConfig))
          .withTopicPartitions(
              configuration.partitions.stream()
                  .map(partition -> new TopicPartition(configuration.topic, partition.intValue()))
                  .collect(Collectors.toList()))
          .withKeyDeserializerAndCoder(ByteArrayDeserializer.class, coder)
          .withValueDeserializerAndCoder(ByteArrayDeserializer.class, coder)
          .withProcessingTime()
          .commitOffsetsInFinalize()
          .withoutMetadata();
    }
  }
}
