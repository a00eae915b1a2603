import com.azure.core.credential.AccessToken;
import com.azure.core.credential.AzureKeyCredential;
import com.azure.core.credential.AzureSasCredential;
import com.azure.core.credential.TokenCredential;
import com.azure.core.http.policy.FixedDelayOptions;
import com.azure.core.http.policy.RetryOptions;
import com.azure.core.models.CloudEvent;
import com.azure.core.models.CloudEventDataFormat;
import com.azure.core.util.BinaryData;
import com.azure.messaging.eventgrid.EventGridEvent;
import com.azure.messaging.eventgrid.EventGridPublisherClient;
import com.azure.messaging.eventgrid.EventGridPublisherClientBuilder;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import reactor.core.publisher.Mono;

/**
 * Publishes to custom topics of each schema with each kind of credential.
 *
 * <p>Given: url, key, token, control, and the rows of the error table to order for a publish.
 */
final class EventGridTopics {
  private static final String ID = "azure-event-grid-topics";
  private static final RetryOptions ONCE =
      new RetryOptions(new FixedDelayOptions(0, Duration.ZERO));
  private static final BinaryData DATA = BinaryData.fromObject(Map.of("total", 7));

  private EventGridTopics() {}

  public static void main(String[] args) throws Exception {
    for (String topic : List.of("orders", "cloud", "custom")) {
      String endpoint = endpointOf(topic);
      for (var way : credentials(endpoint).entrySet()) {
        Program.print(
            topic + " " + way.getKey(), Program.refusal(() -> send(topic, way.getValue().get())));
      }
    }
    String orders = endpointOf("orders");
    AzureKeyCredential bad = new AzureKeyCredential("bad");
    Program.print(
        "bad key", Program.refusal(() -> send("orders", builder(orders).credential(bad))));
    Supplier<EventGridPublisherClientBuilder> good = credentials(orders).get("key");
    Program.print(
        "too large",
        Program.refusal(() -> {
          var client = good.get().buildEventGridEventPublisherClient();
          client.sendEvent(event(BinaryData.fromObject("x".repeat(1_048_576))));
          return null;
        }));
    for (var row : Program.GIVEN.get("rows")) {
      Program.order(ID, "PublishEvents", row.asText());
      Program.print(row.asText(), Program.refusal(() -> send("orders", good.get())));
    }
  }

  private static String endpointOf(String topic) {
    return Program.given("url") + "/" + topic + "/api/events";
  }

  private static EventGridPublisherClientBuilder builder(String endpoint) {
    return new EventGridPublisherClientBuilder().endpoint(endpoint).retryOptions(ONCE);
  }

  private static Map<String, Supplier<EventGridPublisherClientBuilder>> credentials(
      String endpoint) {
    AzureKeyCredential key = new AzureKeyCredential(Program.given("key"));
    OffsetDateTime expiry = OffsetDateTime.now().plusMinutes(1);
    TokenCredential authority =
        request -> Mono.just(new AccessToken(Program.given("token"), expiry.plusHours(1)));
    Map<String, Supplier<EventGridPublisherClientBuilder>> ways = new LinkedHashMap<>();
    ways.put("key", () -> builder(endpoint).credential(key));
    ways.put(
        "sas",
        () -> {
          String signature = EventGridPublisherClient.generateSas(endpoint, key, expiry);
          return builder(endpoint).credential(new AzureSasCredential(signature));
        });
    ways.put("token", () -> builder(endpoint).credential(authority));
    return ways;
  }

  private static EventGridEvent event(BinaryData data) {
    return new EventGridEvent("orders/1", "Shop.OrderPlaced", data, "1.0");
  }

  /** Two events at once, in the schema of the topic. */
  private static Object send(String topic, EventGridPublisherClientBuilder builder) {
    switch (topic) {
      case "cloud" -> {
        CloudEvent event =
            new CloudEvent(
                "/shop", "Shop.OrderPlaced", DATA, CloudEventDataFormat.JSON, "application/json");
        builder.buildCloudEventPublisherClient().sendEvents(List.of(event, event));
      }
      case "custom" -> {
        BinaryData event = BinaryData.fromObject(Map.of("sub", "orders/1", "total", 7));
        builder.buildCustomEventPublisherClient().sendEvents(List.of(event, event));
      }
      default -> {
        EventGridEvent event = event(DATA);
        builder.buildEventGridEventPublisherClient().sendEvents(List.of(event, event));
      }
    }
    return null;
  }
}
