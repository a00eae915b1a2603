import com.azure.core.credential.KeyCredential;
import com.azure.core.http.policy.HttpPipelinePolicy;
import com.azure.core.http.policy.KeyCredentialPolicy;
import com.azure.identity.DefaultAzureCredentialBuilder;
import java.util.List;
import java.util.Map;

/**
 * Sends to a namespace topic, receives and acknowledges.
 *
 * <p>Given: url, key, control, and the rows of the error table to order for a publish. The
 * token is that of the credential in the environment.
 */
final class EventGridNamespaces {
  private static final String ID = "azure-event-grid-namespaces";

  private EventGridNamespaces() {}

  public static void main(String[] args) throws Exception {
    String url = Program.given("url");
    HttpPipelinePolicy key = withKey(Program.given("key"));
    var token = NamespaceTopic.with(new DefaultAzureCredentialBuilder().build());
    Program.print("key", exchange(new NamespaceTopic(url, key)));
    Program.print("token", exchange(new NamespaceTopic(url, token)));
    NamespaceTopic wrong = new NamespaceTopic(url, withKey("wrong"));
    Program.print("wrong key", Program.refusal(() -> send(wrong, "default")));
    NamespaceTopic topics = new NamespaceTopic(url, key);
    Program.print("no topic", Program.refusal(() -> send(topics, "nowhere")));
    for (var row : Program.GIVEN.get("rows")) {
      Program.order(ID, "PublishCloudEvents", row.asText());
      Program.print(row.asText(), Program.refusal(() -> send(topics, "default")));
    }
  }

  private static HttpPipelinePolicy withKey(String key) {
    return new KeyCredentialPolicy("Authorization", new KeyCredential(key), "SharedAccessKey");
  }

  private static Object send(NamespaceTopic topics, String topic) {
    return topics.publish(topic, NamespaceTopic.event("lab.reading", Map.of("celsius", 21.5)));
  }

  private static Object exchange(NamespaceTopic topics) {
    send(topics, "default");
    Map<?, ?> detail = topics.receive("default");
    var event = (Map<?, ?>) detail.get("event");
    var broker = (Map<?, ?>) detail.get("brokerProperties");
    Map<?, ?> settled = topics.acknowledge("default", broker.get("lockToken"));
    var succeeded = (List<?>) settled.get("succeededLockTokens");
    return List.of(
        event.get("type"), event.get("data"), broker.get("deliveryCount"), succeeded.size());
  }
}
