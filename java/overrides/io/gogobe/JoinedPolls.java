package io.gogobe;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
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
 * A Kafka consumer interceptor that joins the records of a large poll: few records for each partition, each with the
 * offset of the last one in it. A bundle costs far more than a small record, and bundles have few elements, so this is
 * how many records that wait are read fast. The option {@code gogobe.join.from} is the number of records of a large
 * poll; those of a smaller one stay as they are. A joined value ends before {@link #MOST_BYTES}, and a record that is
 * larger stays as it is.
 *
 * <p>A joined value is {@link #MAGIC}, which no JSON begins with, and each value after its length in bytes (4 bytes,
 * big-endian). The Python side is gogobe/io/kafka/joined.py.
 */
public final class JoinedPolls implements ConsumerInterceptor<byte[], byte[]> {
  private static final String OPTION = "gogobe.join.from";
  private static final byte[] MAGIC = "\0joined\0".getBytes(StandardCharsets.US_ASCII);
  private static final int MOST_BYTES = 1 << 20;
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
      joined.put(partition, joined(records.records(partition)));
    }
    return new ConsumerRecords<>(joined);
  }

  private static List<ConsumerRecord<byte[], byte[]>> joined(List<ConsumerRecord<byte[], byte[]>> records) {
    List<ConsumerRecord<byte[], byte[]>> joined = new ArrayList<>();
    int begin = 0;
    int bytes = 0;
    for (int end = 0; end < records.size(); end++) {
      int more = lengthOf(records.get(end)) + Integer.BYTES;
      if (end > begin && bytes + more > MOST_BYTES) {
        joined.add(join(records.subList(begin, end), bytes));
        begin = end;
        bytes = 0;
      }
      bytes += more;
    }
    joined.add(join(records.subList(begin, records.size()), bytes));
    return joined;
  }

  private static int lengthOf(ConsumerRecord<byte[], byte[]> record) {
    return record.value() == null ? 0 : record.value().length;
  }

  private static ConsumerRecord<byte[], byte[]> join(List<ConsumerRecord<byte[], byte[]>> records, int bytes) {
    ConsumerRecord<byte[], byte[]> last = records.get(records.size() - 1);
    if (records.size() == 1) {
      return last;
    }
    ByteBuffer value = ByteBuffer.allocate(MAGIC.length + bytes).put(MAGIC);
    for (ConsumerRecord<byte[], byte[]> record : records) {
      value.putInt(lengthOf(record));
      if (record.value() != null) {
        value.put(record.value());
      }
    }
    return new ConsumerRecord<>(
        last.topic(), last.partition(), last.offset(), last.timestamp(), last.timestampType(),
        last.serializedKeySize(), value.capacity(), last.key(), value.array(), last.headers(), last.leaderEpoch());
  }

  @Override
  public void onCommit(Map<TopicPartition, OffsetAndMetadata> offsets) {}

  @Override
  public void close() {}
}
