import io.gogobe.JoinedPolls;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.common.TopicPartition;

/**
 * Gives the interceptor one poll: LARGE, then PARTITION OFFSET VALUE for each record; the value `null` is none,
 * `N*x` is x, N times. Prints
 * what it returns: PARTITION OFFSET VALUE, the value in hexadecimal.
 */
public final class JoinPolls {
  public static void main(String[] arguments) {
    Map<TopicPartition, List<ConsumerRecord<byte[], byte[]>>> poll = new LinkedHashMap<>();
    for (int i = 1; i < arguments.length; i += 3) {
      int partition = Integer.parseInt(arguments[i]);
      String text = arguments[i + 2];
      String[] times = text.split("\\*");
      String whole = times.length == 2 ? times[1].repeat(Integer.parseInt(times[0])) : text;
      byte[] value = text.equals("null") ? null : whole.getBytes(StandardCharsets.UTF_8);
      poll.computeIfAbsent(new TopicPartition("t", partition), none -> new ArrayList<>())
          .add(new ConsumerRecord<>("t", partition, Long.parseLong(arguments[i + 1]), null, value));
    }
    JoinedPolls interceptor = new JoinedPolls();
    interceptor.configure(Map.of("gogobe.join.from", arguments[0]));
    for (ConsumerRecord<byte[], byte[]> record : interceptor.onConsume(new ConsumerRecords<>(poll))) {
      String hex = record.value() == null ? "" : HexFormat.of().formatHex(record.value());
      System.out.println(record.partition() + " " + record.offset() + " " + hex);
    }
  }
}
