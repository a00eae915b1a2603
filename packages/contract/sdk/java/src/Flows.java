import com.azure.identity.DefaultAzureCredentialBuilder;
import com.azure.messaging.webpubsub.WebPubSubServiceClientBuilder;
import com.azure.messaging.webpubsub.models.WebPubSubContentType;
import java.util.Map;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.services.iotdataplane.IotDataPlaneClient;

/** Sends one text, its argument, by each SDK, to where its environment says. */
final class Flows {
  private Flows() {}

  public static void main(String[] args) {
    String text = args[0];
    SdkBytes payload = SdkBytes.fromUtf8String(text);
    IotDataPlaneClient.create().publish(r -> r.topic("flows/line1").qos(1).payload(payload));
    tell("aws-iot");

    String namespace = System.getenv("FOGBANK_AZURE_EVENT_GRID_NAMESPACES_ENDPOINT");
    var token = NamespaceTopic.with(new DefaultAzureCredentialBuilder().build());
    new NamespaceTopic(namespace, token)
        .publish("default", NamespaceTopic.event("flows.text", Map.of("text", text)));
    tell("azure-event-grid-namespaces");

    new WebPubSubServiceClientBuilder()
        .connectionString(System.getenv("WebPubSubConnectionString"))
        .hub("flows")
        .buildClient()
        .sendToAll(text, WebPubSubContentType.TEXT_PLAIN);
    tell("azure-web-pubsub");
  }

  private static void tell(String flow) {
    System.out.println("{\"flow\":\"" + flow + "\"}");
  }
}
