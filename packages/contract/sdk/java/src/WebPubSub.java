import com.azure.core.http.policy.FixedDelayOptions;
import com.azure.core.http.policy.RetryOptions;
import com.azure.core.http.rest.RequestOptions;
import com.azure.core.http.rest.Response;
import com.azure.messaging.webpubsub.WebPubSubServiceClient;
import com.azure.messaging.webpubsub.WebPubSubServiceClientBuilder;
import com.azure.messaging.webpubsub.models.GetClientAccessTokenOptions;
import com.azure.messaging.webpubsub.models.WebPubSubClientProtocol;
import com.azure.messaging.webpubsub.models.WebPubSubContentType;
import com.azure.messaging.webpubsub.models.WebPubSubPermission;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Calls every method of the service client.
 *
 * <p>Given: connection strings by scheme, control, and the rows of the error table to order
 * for a send. The MQTT client `device1` of user `alice` is connected by whoever runs this.
 */
final class WebPubSub {
  private static final String ID = "azure-web-pubsub";
  private static final WebPubSubContentType TEXT = WebPubSubContentType.TEXT_PLAIN;
  private static final WebPubSubContentType JSON = WebPubSubContentType.APPLICATION_JSON;
  private static final RetryOptions ONCE =
      new RetryOptions(new FixedDelayOptions(0, Duration.ZERO));

  private WebPubSub() {}

  public static void main(String[] args) throws Exception {
    var strings = Program.GIVEN.get("connectionStrings");
    for (String scheme : List.of("http", "https")) {
      Program.print(scheme, call(create(strings.get(scheme).asText())));
    }
    String https = strings.get("https").asText();
    WebPubSubServiceClient wrong = create(https.replace("AccessKey=", "AccessKey=wrong"));
    Program.print("wrong key", Program.refusal(() -> send(wrong)));
    WebPubSubServiceClient service = create(https);
    Program.print(
        "no connection", Program.refusal(() -> join(service, "missing")));
    for (var row : Program.GIVEN.get("rows")) {
      Program.order(ID, "SendToAll", row.asText());
      Program.print(row.asText(), Program.refusal(() -> send(service)));
    }
  }

  private static WebPubSubServiceClient create(String connectionString) {
    return new WebPubSubServiceClientBuilder()
        .connectionString(connectionString)
        .hub("chat")
        .retryOptions(ONCE)
        .buildClient();
  }

  private static Object send(WebPubSubServiceClient service) {
    return done(() -> service.sendToAll("x", TEXT));
  }

  private static Map<String, Object> call(WebPubSubServiceClient service) {
    var grant = WebPubSubPermission.SEND_TO_GROUP;
    RequestOptions room2 = new RequestOptions().addQueryParam("targetName", "room2");
    RequestOptions others = new RequestOptions().addQueryParam("excluded", "device1");
    var options =
        new GetClientAccessTokenOptions()
            .setUserId("alice")
            .addRole("webpubsub.sendToGroup")
            .setWebPubSubClientProtocol(WebPubSubClientProtocol.MQTT);
    Map<String, Object> told = new LinkedHashMap<>();
    told.put("url", service.getClientAccessToken(options).getUrl().split("\\?")[0]);
    told.put("connection", value(service.connectionExistsWithResponse("device1", null)));
    told.put("no connection", value(service.connectionExistsWithResponse("missing", null)));
    told.put("user", value(service.userExistsWithResponse("alice", null)));
    told.put("no user", value(service.userExistsWithResponse("nobody", null)));
    told.put("no group", value(service.groupExistsWithResponse("room1", null)));
    told.put("add connection", value(join(service, "device1")));
    told.put("group", value(service.groupExistsWithResponse("room1", null)));
    told.put("all", done(() -> service.sendToAll("to all", TEXT)));
    told.put("to group", done(() -> service.sendToGroup("room1", "to group", TEXT)));
    told.put("to user", done(() -> service.sendToUser("alice", "{\"to\": \"user\"}", JSON)));
    told.put(
        "to connection", done(() -> service.sendToConnection("device1", "to connection", TEXT)));
    told.put(
        "remove connection",
        value(service.removeConnectionFromGroupWithResponse("room1", "device1", null)));
    told.put("add user", value(service.addUserToGroupWithResponse("room1", "alice", null)));
    told.put("remove user", value(service.removeUserFromGroupWithResponse("room1", "alice", null)));
    told.put(
        "remove user everywhere",
        value(service.removeUserFromAllGroupsWithResponse("alice", null)));
    told.put(
        "remove connection everywhere",
        value(service.removeConnectionFromAllGroupsWithResponse("device1", null)));
    told.put("no permission", value(service.checkPermissionWithResponse(grant, "device1", room2)));
    told.put("grant", value(service.grantPermissionWithResponse(grant, "device1", room2)));
    told.put("permission", value(service.checkPermissionWithResponse(grant, "device1", room2)));
    told.put("revoke", value(service.revokePermissionWithResponse(grant, "device1", room2)));
    told.put("close group", value(service.closeGroupConnectionsWithResponse("nobody", null)));
    told.put("close user", value(service.closeUserConnectionsWithResponse("nobody", null)));
    told.put("close connection", value(service.closeConnectionWithResponse("missing", null)));
    told.put("close all", value(service.closeAllConnectionsWithResponse(others)));
    return told;
  }

  private static Response<Void> join(WebPubSubServiceClient service, String connectionId) {
    return service.addConnectionToGroupWithResponse("room1", connectionId, null);
  }

  private static Object value(Response<?> response) {
    return response.getValue();
  }

  /** What a method answers that answers nothing. */
  private static Object done(Runnable call) {
    call.run();
    return null;
  }
}
