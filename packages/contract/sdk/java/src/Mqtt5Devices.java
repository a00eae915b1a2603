import com.fasterxml.jackson.databind.JsonNode;
import com.hivemq.client.mqtt.MqttGlobalPublishFilter;
import com.hivemq.client.mqtt.datatypes.MqttQos;
import com.hivemq.client.mqtt.datatypes.MqttUtf8String;
import com.hivemq.client.mqtt.exceptions.MqttClientStateException;
import com.hivemq.client.mqtt.mqtt5.Mqtt5BlockingClient;
import com.hivemq.client.mqtt.mqtt5.Mqtt5BlockingClient.Mqtt5Publishes;
import com.hivemq.client.mqtt.mqtt5.Mqtt5Client;
import com.hivemq.client.mqtt.mqtt5.Mqtt5ClientConfig;
import com.hivemq.client.mqtt.mqtt5.auth.Mqtt5EnhancedAuthMechanism;
import com.hivemq.client.mqtt.mqtt5.exceptions.Mqtt5MessageException;
import com.hivemq.client.mqtt.mqtt5.message.Mqtt5ReasonCode;
import com.hivemq.client.mqtt.mqtt5.message.auth.Mqtt5Auth;
import com.hivemq.client.mqtt.mqtt5.message.auth.Mqtt5AuthBuilder;
import com.hivemq.client.mqtt.mqtt5.message.auth.Mqtt5EnhancedAuthBuilder;
import com.hivemq.client.mqtt.mqtt5.message.connect.Mqtt5Connect;
import com.hivemq.client.mqtt.mqtt5.message.connect.connack.Mqtt5ConnAck;
import com.hivemq.client.mqtt.mqtt5.message.disconnect.Mqtt5Disconnect;
import com.hivemq.client.mqtt.mqtt5.message.publish.Mqtt5PayloadFormatIndicator;
import com.hivemq.client.mqtt.mqtt5.message.publish.Mqtt5Publish;
import com.hivemq.client.mqtt.mqtt5.message.publish.puback.Mqtt5PubAck;
import com.hivemq.client.mqtt.mqtt5.message.publish.pubrec.Mqtt5PubRec;
import com.hivemq.client.mqtt.mqtt5.message.subscribe.suback.Mqtt5SubAck;
import com.hivemq.client.mqtt.mqtt5.message.unsubscribe.unsuback.Mqtt5UnsubAck;
import java.nio.ByteBuffer;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * MQTT 5 clients that connect, subscribe, unsubscribe and publish, each as it is told to.
 *
 * <p>Given: devices by client id, each with what {@link Doors} wants, and, where it is to do
 * so: username and password, or method and data; a filter to subscribe to and one to leave; a
 * topic to publish to, with its qos.
 */
final class Mqtt5Devices {
  private static final int WAIT_SECONDS = 20;

  private final JsonNode device;
  private final Mqtt5BlockingClient client;
  private final CompletableFuture<Throwable> end = new CompletableFuture<>();
  private final Map<String, Object> told = new LinkedHashMap<>();

  private Mqtt5Devices(String name, JsonNode device) throws Exception {
    this.device = device;
    var builder =
        Mqtt5Client.builder()
            .identifier(name)
            .addDisconnectedListener(context -> end.complete(context.getCause()));
    client = Doors.open(builder, device).buildBlocking();
  }

  public static void main(String[] args) throws Exception {
    for (var entry : Program.GIVEN.get("devices").properties()) {
      var device = new Mqtt5Devices(entry.getKey(), entry.getValue());
      device.run();
      Program.print(entry.getKey(), device.told);
    }
    System.exit(0); // the client's own threads would stay for a while
  }

  private void run() throws Exception {
    if (!step("connect", () -> client.connect(toConnect()).getReasonCode().getCode())) return;
    try (Mqtt5Publishes inbox = client.publishes(MqttGlobalPublishFilter.ALL)) {
      String filter = device.path("filter").asText();
      if (device.has("filter")) step("subscribe", () -> subscribe(filter));
      if (device.has("leave")) step("unsubscribe", this::unsubscribe);
      if (!device.has("topic")) return;
      step("publish", this::publish);
      if (device.has("filter") && told.get("subscribe") instanceof Integer) {
        told.put("received", toMap(inbox.receive(WAIT_SECONDS, TimeUnit.SECONDS).orElseThrow()));
      }
      if (device.path("ends").asBoolean()) {
        var cause = (Mqtt5MessageException) end.get(WAIT_SECONDS, TimeUnit.SECONDS);
        told.put("end", refusal(cause));
      }
    } finally {
      leave(client);
    }
  }

  /** Whether the server let it; what it said stands in what is told. */
  private boolean step(String name, Program.Call call) throws Exception {
    try {
      told.put(name, call.run());
      return true;
    } catch (Mqtt5MessageException failure) {
      told.put(name, refusal(failure));
      return false;
    }
  }

  /** Unless the server was quicker. */
  private static void leave(Mqtt5BlockingClient client) {
    try {
      client.disconnect();
    } catch (MqttClientStateException gone) {
      if (client.getState().isConnected()) throw gone;
    }
  }

  private Mqtt5Connect toConnect() {
    var connect = Mqtt5Connect.builder();
    if (device.has("username")) {
      var auth = connect.simpleAuth().username(device.get("username").asText());
      if (device.has("password")) auth.password(device.get("password").asText().getBytes());
      connect = auth.applySimpleAuth();
    }
    if (device.has("method")) {
      String method = device.get("method").asText();
      connect.enhancedAuth(new Token(method, device.get("data").asText().getBytes()));
    }
    return connect.build();
  }

  private int subscribe(String filter) {
    var ack = client.subscribeWith().topicFilter(filter).qos(MqttQos.AT_LEAST_ONCE).send();
    return ack.getReasonCodes().get(0).getCode();
  }

  private int unsubscribe() {
    var ack = client.unsubscribeWith().topicFilter(device.get("leave").asText()).send();
    return ack.getReasonCodes().get(0).getCode();
  }

  private Object publish() {
    client
        .publishWith()
        .topic(device.get("topic").asText())
        .qos(MqttQos.fromCode(device.path("qos").asInt(1)))
        .payload("{\"on\":1}".getBytes())
        .payloadFormatIndicator(Mqtt5PayloadFormatIndicator.UTF_8)
        .messageExpiryInterval(60)
        .contentType("application/json")
        .responseTopic("answers/here")
        .correlationData("abc".getBytes())
        .userProperties()
        .add("deviceName", "alpha")
        .add("deviceName", "beta")
        .applyUserProperties()
        .send();
    return "done";
  }

  private static Map<String, Object> toMap(Mqtt5Publish message) {
    Map<String, Object> members = new LinkedHashMap<>();
    members.put("topic", message.getTopic().toString());
    members.put("payload", new String(message.getPayloadAsBytes()));
    members.put("qos", message.getQos().getCode());
    members.put("payloadFormat", message.getPayloadFormatIndicator().orElseThrow().getCode());
    members.put("messageExpiry", message.getMessageExpiryInterval().orElseThrow());
    members.put("contentType", message.getContentType().orElseThrow().toString());
    members.put("responseTopic", message.getResponseTopic().orElseThrow().toString());
    members.put("correlationData", text(message.getCorrelationData().orElseThrow()));
    members.put(
        "userProperties",
        message.getUserProperties().asList().stream()
            .map(pair -> List.of(pair.getName().toString(), pair.getValue().toString()))
            .toList());
    return members;
  }

  private static String text(ByteBuffer data) {
    byte[] bytes = new byte[data.remaining()];
    data.get(bytes);
    return new String(bytes);
  }

  /** The client's exception and the reason code that the server gave. */
  private static Object refusal(Mqtt5MessageException failure) {
    Object message = failure.getMqttMessage();
    Mqtt5ReasonCode code;
    if (message instanceof Mqtt5SubAck ack) code = ack.getReasonCodes().get(0);
    else if (message instanceof Mqtt5UnsubAck ack) code = ack.getReasonCodes().get(0);
    else if (message instanceof Mqtt5ConnAck ack) code = ack.getReasonCode();
    else if (message instanceof Mqtt5Disconnect disconnect) code = disconnect.getReasonCode();
    else if (message instanceof Mqtt5PubAck ack) code = ack.getReasonCode();
    else code = ((Mqtt5PubRec) message).getReasonCode();
    return List.of(failure.getClass().getSimpleName(), code.getCode());
  }

  /** Enhanced authentication with a token: one method, one piece of data, no challenge. */
  private record Token(String method, byte[] data) implements Mqtt5EnhancedAuthMechanism {
    @Override
    public MqttUtf8String getMethod() {
      return MqttUtf8String.of(method);
    }

    @Override
    public int getTimeout() {
      return WAIT_SECONDS;
    }

    @Override
    public CompletableFuture<Void> onAuth(
        Mqtt5ClientConfig config, Mqtt5Connect connect, Mqtt5EnhancedAuthBuilder auth) {
      auth.data(data);
      return CompletableFuture.completedFuture(null);
    }

    @Override
    public CompletableFuture<Boolean> onContinue(
        Mqtt5ClientConfig config, Mqtt5Auth auth, Mqtt5AuthBuilder builder) {
      return CompletableFuture.completedFuture(false);
    }

    @Override
    public CompletableFuture<Boolean> onAuthSuccess(
        Mqtt5ClientConfig config, Mqtt5ConnAck connAck) {
      return CompletableFuture.completedFuture(true);
    }

    @Override
    public CompletableFuture<Void> onReAuth(Mqtt5ClientConfig config, Mqtt5AuthBuilder builder) {
      return CompletableFuture.completedFuture(null);
    }

    @Override
    public CompletableFuture<Boolean> onServerReAuth(
        Mqtt5ClientConfig config, Mqtt5Auth auth, Mqtt5AuthBuilder builder) {
      return CompletableFuture.completedFuture(false);
    }

    @Override
    public CompletableFuture<Boolean> onReAuthSuccess(Mqtt5ClientConfig config, Mqtt5Auth auth) {
      return CompletableFuture.completedFuture(true);
    }

    @Override
    public void onAuthRejected(Mqtt5ClientConfig config, Mqtt5ConnAck connAck) {}

    @Override
    public void onAuthError(Mqtt5ClientConfig config, Throwable cause) {}

    @Override
    public void onReAuthRejected(Mqtt5ClientConfig config, Mqtt5Disconnect disconnect) {}

    @Override
    public void onReAuthError(Mqtt5ClientConfig config, Throwable cause) {}
  }
}
