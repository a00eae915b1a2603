import com.fasterxml.jackson.databind.JsonNode;
import com.hivemq.client.mqtt.MqttGlobalPublishFilter;
import com.hivemq.client.mqtt.datatypes.MqttQos;
import com.hivemq.client.mqtt.mqtt3.Mqtt3Client;
import com.hivemq.client.mqtt.mqtt3.exceptions.Mqtt3ConnAckException;
import com.hivemq.client.mqtt.mqtt3.exceptions.Mqtt3SubAckException;
import com.hivemq.client.mqtt.mqtt3.message.connect.Mqtt3Connect;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** MQTT 3.1.1 clients, given what {@link Mqtt5Devices} are, as far as this version has it. */
final class Mqtt3Devices {
  private static final int WAIT_SECONDS = 20;

  private Mqtt3Devices() {}

  public static void main(String[] args) throws Exception {
    for (var entry : Program.GIVEN.get("devices").properties()) {
      Program.print(entry.getKey(), exchange(entry.getKey(), entry.getValue()));
    }
    System.exit(0); // the client's own threads would stay for a while
  }

  private static Object exchange(String name, JsonNode device) throws Exception {
    var client = Doors.open(Mqtt3Client.builder().identifier(name), device).buildBlocking();
    try {
      client.connect(toConnect(device));
    } catch (Mqtt3ConnAckException failure) {
      int code = failure.getMqttMessage().getReturnCode().getCode();
      return Map.of("connect", List.of(failure.getClass().getSimpleName(), code));
    }
    Map<String, Object> told = new LinkedHashMap<>();
    try (var inbox = client.publishes(MqttGlobalPublishFilter.ALL)) {
      String filter = device.get("filter").asText();
      var ack = client.subscribeWith().topicFilter(filter).qos(MqttQos.AT_LEAST_ONCE).send();
      told.put("subscribe", ack.getReturnCodes().get(0).getCode());
      String topic = device.get("topic").asText();
      client.publishWith().topic(topic).qos(MqttQos.AT_LEAST_ONCE).payload("on".getBytes()).send();
      var message = inbox.receive(WAIT_SECONDS, TimeUnit.SECONDS).orElseThrow();
      String payload = new String(message.getPayloadAsBytes());
      told.put("received", List.of(message.getTopic().toString(), payload));
    } catch (Mqtt3SubAckException failure) {
      int code = failure.getMqttMessage().getReturnCodes().get(0).getCode();
      told.put("subscribe", List.of(failure.getClass().getSimpleName(), code));
    }
    client.disconnect();
    return told;
  }

  private static Mqtt3Connect toConnect(JsonNode device) {
    var connect = Mqtt3Connect.builder();
    if (!device.has("username")) return connect.build();
    var auth = connect.simpleAuth().username(device.get("username").asText());
    byte[] password = device.path("password").asText().getBytes();
    return auth.password(password).applySimpleAuth().build();
  }
}
