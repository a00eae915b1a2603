import com.azure.core.annotation.BodyParam;
import com.azure.core.annotation.ExpectedResponses;
import com.azure.core.annotation.Host;
import com.azure.core.annotation.HostParam;
import com.azure.core.annotation.PathParam;
import com.azure.core.annotation.Post;
import com.azure.core.annotation.QueryParam;
import com.azure.core.annotation.ServiceInterface;
import com.azure.core.credential.TokenCredential;
import com.azure.core.http.HttpPipelineBuilder;
import com.azure.core.http.policy.BearerTokenAuthenticationPolicy;
import com.azure.core.http.policy.HttpPipelinePolicy;
import com.azure.core.http.rest.RestProxy;
import com.azure.core.models.CloudEvent;
import com.azure.core.models.CloudEventDataFormat;
import com.azure.core.util.BinaryData;
import java.util.List;
import java.util.Map;

/**
 * A namespace topic by REST, through the pipeline that the vendor's own clients are made of.
 *
 * <p>The client for it is in none of the libraries that pom.xml can have.
 */
final class NamespaceTopic {
  private static final String SCOPE = "https://eventgrid.azure.net/.default";
  private static final String API_VERSION = "2024-06-01";
  private static final int WAIT_SECONDS = 10;

  private final String endpoint;
  private final Operations operations;

  NamespaceTopic(String endpoint, HttpPipelinePolicy credential) {
    this.endpoint = endpoint;
    var pipeline = new HttpPipelineBuilder().policies(credential).build();
    operations = RestProxy.create(Operations.class, pipeline);
  }

  static HttpPipelinePolicy with(TokenCredential token) {
    return new BearerTokenAuthenticationPolicy(token, SCOPE);
  }

  static CloudEvent event(String type, Map<String, Object> data) {
    var format = CloudEventDataFormat.JSON;
    return new CloudEvent("/java", type, BinaryData.fromObject(data), format, "application/json");
  }

  Object publish(String topic, CloudEvent event) {
    operations.publish(endpoint, topic, API_VERSION, BinaryData.fromObject(event));
    return "done";
  }

  /** The next event of subscription `default`, with what the broker says of it. */
  Map<?, ?> receive(String topic) {
    var answer = operations.receive(endpoint, topic, API_VERSION, WAIT_SECONDS);
    var details = (List<?>) answer.toObject(Map.class).get("value");
    return (Map<?, ?>) details.get(0);
  }

  Map<?, ?> acknowledge(String topic, Object lockToken) {
    var tokens = BinaryData.fromObject(Map.of("lockTokens", List.of(lockToken)));
    return operations.acknowledge(endpoint, topic, API_VERSION, tokens).toObject(Map.class);
  }

  @Host("{endpoint}")
  @ServiceInterface(name = "NamespaceTopic")
  interface Operations {
    @Post("/topics/{topic}:publish")
    @ExpectedResponses({200})
    void publish(
        @HostParam("endpoint") String endpoint,
        @PathParam("topic") String topic,
        @QueryParam("api-version") String apiVersion,
        @BodyParam("application/cloudevents+json; charset=utf-8") BinaryData event);

    @Post("/topics/{topic}/eventsubscriptions/default:receive")
    @ExpectedResponses({200})
    BinaryData receive(
        @HostParam("endpoint") String endpoint,
        @PathParam("topic") String topic,
        @QueryParam("api-version") String apiVersion,
        @QueryParam("maxWaitTime") int maxWaitTime);

    @Post("/topics/{topic}/eventsubscriptions/default:acknowledge")
    @ExpectedResponses({200})
    BinaryData acknowledge(
        @HostParam("endpoint") String endpoint,
        @PathParam("topic") String topic,
        @QueryParam("api-version") String apiVersion,
        @BodyParam("application/json; charset=utf-8") BinaryData lockTokens);
  }
}
