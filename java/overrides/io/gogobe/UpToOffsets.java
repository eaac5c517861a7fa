package io.gogobe;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerInterceptor;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;

/**
 * A Kafka consumer interceptor that drops records from the end offsets of a bounded run on, so that records that are
 * published during the run do not displace the records to read. The option {@code gogobe.end.offsets} has the end
 * offsets as PARTITION:OFFSET: {@code 0:120,1:98}.
 */
public final class UpToOffsets implements ConsumerInterceptor<Object, Object> {
  private static final String OPTION = "gogobe.end.offsets";
  private final Map<Integer, Long> ends = new HashMap<>();

  @Override
  public void configure(Map<String, ?> options) {
    for (String one : options.get(OPTION).toString().split(",")) {
      String[] parts = one.split(":");
      ends.put(Integer.valueOf(parts[0]), Long.valueOf(parts[1]));
    }
  }

  @Override
  public ConsumerRecords<Object, Object> onConsume(ConsumerRecords<Object, Object> records) {
    Map<TopicPartition, List<ConsumerRecord<Object, Object>>> kept = new HashMap<>();
    for (ConsumerRecord<Object, Object> record : records) {
      if (record.offset() < ends.getOrDefault(record.partition(), 0L)) {
        TopicPartition partition = new TopicPartition(record.topic(), record.partition());
        kept.computeIfAbsent(partition, none -> new ArrayList<>()).add(record);
      }
    }
    return new ConsumerRecords<>(kept);
  }

  @Override
  public void onCommit(Map<TopicPartition, OffsetAndMetadata> offsets) {}

  @Override
  public void close() {}
}
