package io.gogobe;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerInterceptor;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;

/**
 * A Kafka consumer interceptor that joins the records of a large poll: one record for each partition, with the offset
 * of the last one. A bundle is far dearer than a small record, and bundles have few elements, so this is how many
 * records that wait are read fast. The option {@code gogobe.join.from} is the number of records of a large poll; those
 * of a smaller one stay as they are.
 *
 * <p>A joined value is {@link #MAGIC}, which no JSON begins with, and each value after its length in bytes (4 bytes,
 * big-endian). The Python side is gogobe/io/kafka/joined.py.
 */
public final class JoinedPolls implements ConsumerInterceptor<byte[], byte[]> {
  private static final String OPTION = "gogobe.join.from";
  private static final byte[] MAGIC = "\0joined\0".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] NONE = {};
  private int large;

  @Override
  public void configure(Map<String, ?> options) {
    large = Integer.parseInt(options.get(OPTION).toString());
  }

  @Override
  public ConsumerRecords<byte[], byte[]> onConsume(ConsumerRecords<byte[], byte[]> records) {
    if (records.count() < large) {
      return records;
    }
    Map<TopicPartition, List<ConsumerRecord<byte[], byte[]>>> joined = new HashMap<>();
    for (TopicPartition partition : records.partitions()) {
      joined.put(partition, List.of(join(records.records(partition))));
    }
    return new ConsumerRecords<>(joined);
  }

  private static ConsumerRecord<byte[], byte[]> join(List<ConsumerRecord<byte[], byte[]>> records) {
    ConsumerRecord<byte[], byte[]> last = records.get(records.size() - 1);
    ByteArrayOutputStream value = new ByteArrayOutputStream();
    try (DataOutputStream data = new DataOutputStream(value)) {
      data.write(MAGIC);
      for (ConsumerRecord<byte[], byte[]> record : records) {
        byte[] one = record.value() == null ? NONE : record.value();
        data.writeInt(one.length);
        data.write(one);
      }
    } catch (IOException error) {
      throw new UncheckedIOException(error); // a ByteArrayOutputStream raises none
    }
    return new ConsumerRecord<>(
        last.topic(), last.partition(), last.offset(), last.timestamp(), last.timestampType(),
        last.serializedKeySize(), value.size(), last.key(), value.toByteArray(), last.headers(), last.leaderEpoch());
  }

  @Override
  public void onCommit(Map<TopicPartition, OffsetAndMetadata> offsets) {}

  @Override
  public void close() {}
}
