import java.io.IOException;
import java.lang.reflect.Method;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.core.SdkField;
import software.amazon.awssdk.core.SdkPojo;
import software.amazon.awssdk.services.iotdataplane.IotDataPlaneClient;
import software.amazon.awssdk.services.iotdataplane.model.IotDataPlaneException;
import software.amazon.awssdk.services.iotdataplane.model.IotDataPlaneRequest;

/**
 * Calls every operation of the data plane, well and badly.
 *
 * <p>Given: urls by scheme, control, and the row of the error table to order for each error
 * code. Credentials and region stand in the environment. An MQTT client of each name, `java
 * http` and `java https`, is connected, and subscribed to its own name, by whoever runs this.
 */
final class AwsIotData {
  private final IotDataPlaneClient client;
  private final Map<String, Object> answers = new LinkedHashMap<>();

  private AwsIotData(String url) {
    client = IotDataPlaneClient.builder().endpointOverride(URI.create(url)).build();
  }

  public static void main(String[] args) throws Exception {
    for (String scheme : List.of("http", "https")) {
      AwsIotData caller = new AwsIotData(Program.GIVEN.get("urls").get(scheme).asText());
      String name = "java " + scheme;
      caller.succeed(name);
      Program.print(name, Map.of("answers", caller.answers, "refusals", caller.fail()));
    }
  }

  /** One call of each operation, and what they answer. */
  private void succeed(String name) throws Exception {
    String topic = name + "/line1";
    String thing = name.replace(' ', '-');
    SdkBytes desired = bytes("{\"state\":{\"desired\":{\"dim\":5}}}");
    answer(
        "Publish",
        client.publish(
            r ->
                r.topic(topic)
                    .qos(1)
                    .retain(true)
                    .payload(bytes("{\"temp\":21}"))
                    .contentType("application/json")
                    .responseTopic("r/t")
                    .correlationData("YWJj")
                    .userProperties("[{\"deviceName\":\"alpha\"},{\"deviceCnt\":\"45\"}]")
                    .messageExpiry(60L)
                    .payloadFormatIndicator("UTF8_DATA")));
    answer("GetRetainedMessage", client.getRetainedMessage(r -> r.topic(topic)));
    answer("ListRetainedMessages", client.listRetainedMessages(r -> {}));
    answer("delete retained", client.publish(r -> r.topic(topic).retain(true)));
    answer(
        "UpdateThingShadow",
        client.updateThingShadow(r -> r.thingName(thing).shadowName("night").payload(desired)));
    answer("GetThingShadow", client.getThingShadow(r -> r.thingName(thing).shadowName("night")));
    answer("ListNamedShadowsForThing", client.listNamedShadowsForThing(r -> r.thingName(thing)));
    answer(
        "DeleteThingShadow", client.deleteThingShadow(r -> r.thingName(thing).shadowName("night")));
    answer("DeleteConnection", client.deleteConnection(r -> r.clientId(name).cleanSession(true)));
  }

  private void answer(String name, SdkPojo response) throws Exception {
    Map<String, Object> members = toMap(response);
    if (name.endsWith("ThingShadow")) {
      members.computeIfPresent("payload", (key, text) -> parse((String) text));
    }
    members.remove("traceId");
    answers.put(name, members);
  }

  /** What each error that the operation's method declares is told as, by operation and class. */
  private Map<String, Map<String, Object>> fail() throws Exception {
    Map<String, Program.Call> calls = new LinkedHashMap<>();
    calls.put("Publish", () -> client.publish(r -> r.topic("a")));
    calls.put("GetRetainedMessage", () -> client.getRetainedMessage(r -> r.topic("a")));
    calls.put("ListRetainedMessages", () -> client.listRetainedMessages(r -> {}));
    calls.put("GetThingShadow", () -> client.getThingShadow(r -> r.thingName("a")));
    calls.put(
        "UpdateThingShadow",
        () -> client.updateThingShadow(r -> r.thingName("a").payload(bytes("{}"))));
    calls.put("DeleteThingShadow", () -> client.deleteThingShadow(r -> r.thingName("a")));
    calls.put(
        "ListNamedShadowsForThing",
        () -> client.listNamedShadowsForThing(r -> r.thingName("a")));
    calls.put("DeleteConnection", () -> client.deleteConnection(r -> r.clientId("a")));
    Map<String, Map<String, Object>> told = new TreeMap<>();
    for (Method method : operations()) {
      String operation = capitalized(method.getName());
      Map<String, Object> refusals = new TreeMap<>();
      for (String code : modelled(method)) {
        Program.order("aws-iot", operation, Program.GIVEN.get("rows").path(code).asText());
        refusals.put(code, refusal(calls.get(operation)));
      }
      told.put(operation, refusals);
    }
    return told;
  }

  /** The methods of the client that take a request and answer once. */
  private static List<Method> operations() {
    return Stream.of(IotDataPlaneClient.class.getMethods())
        .filter(method -> method.getParameterCount() == 1)
        .filter(method -> IotDataPlaneRequest.class.isAssignableFrom(method.getParameterTypes()[0]))
        .filter(method -> !method.getName().endsWith("Paginator"))
        .toList();
  }

  private static List<String> modelled(Method method) {
    return Stream.of(method.getExceptionTypes())
        .filter(type -> type.getSuperclass() == IotDataPlaneException.class)
        .map(Class::getSimpleName)
        .toList();
  }

  private static Object refusal(Program.Call call) throws Exception {
    try {
      return call.run().toString();
    } catch (AwsServiceException failure) {
      String type = failure.getClass().getSimpleName();
      return Arrays.asList(type, failure.awsErrorDetails().errorMessage(), failure.statusCode());
    }
  }

  private static Map<String, Object> toMap(SdkPojo pojo) {
    Map<String, Object> members = new LinkedHashMap<>();
    for (SdkField<?> field : pojo.sdkFields()) {
      Object value = toPlain(field.getValueOrDefault(pojo));
      if (value != null && !List.of().equals(value)) members.put(field.memberName(), value);
    }
    return members;
  }

  private static Object toPlain(Object value) {
    if (value instanceof SdkBytes data) return data.asString(StandardCharsets.UTF_8);
    if (value instanceof SdkPojo inner) return toMap(inner);
    if (value instanceof List<?> list) return list.stream().map(AwsIotData::toPlain).toList();
    return value;
  }

  private static Object parse(String text) {
    try {
      return Program.JSON.readTree(text);
    } catch (IOException fault) {
      throw new IllegalStateException(text, fault);
    }
  }

  private static SdkBytes bytes(String text) {
    return SdkBytes.fromUtf8String(text);
  }

  private static String capitalized(String name) {
    return name.substring(0, 1).toUpperCase() + name.substring(1);
  }
}
