import com.azure.core.exception.HttpResponseException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.List;
import java.util.Map;

/** What the programs share: a JSON object comes in, and a JSON line goes out for each outcome. */
final class Program {
  static final ObjectMapper JSON = new ObjectMapper();
  static final JsonNode GIVEN = read();
  private static final HttpClient HTTP = HttpClient.newHttpClient();

  private Program() {}

  private static JsonNode read() {
    try {
      return JSON.readTree(System.in);
    } catch (IOException fault) {
      throw new IllegalStateException("standard input is no JSON", fault);
    }
  }

  /** What was given under this name, as text. */
  static String given(String name) {
    return GIVEN.path(name).asText();
  }

  /** One outcome, as a line `["name", outcome]`. */
  static void print(String name, Object outcome) throws IOException {
    System.out.println(JSON.writeValueAsString(List.of(name, outcome)));
  }

  /** The next call of the operation is answered with this row of the personality's error table. */
  static void order(String personality, String operation, String error) throws Exception {
    var body = Map.of("personality", personality, "operation", operation, "error", error);
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(given("control") + "/fail"))
            .POST(BodyPublishers.ofString(JSON.writeValueAsString(body)))
            .build();
    HttpResponse<String> reply = HTTP.send(request, BodyHandlers.ofString());
    if (reply.statusCode() != 204) throw new IllegalStateException(reply.body());
  }

  /** A call that may be refused; checked exceptions are for whoever runs the program. */
  interface Call {
    Object run() throws Exception;
  }

  /** What a service of Azure refused a call with: the SDK's exception, status and code. */
  static Object refusal(Call call) throws Exception {
    try {
      call.run();
      return "done";
    } catch (HttpResponseException failure) {
      int status = failure.getResponse().getStatusCode();
      return List.of(failure.getClass().getSimpleName(), status, codeOf(failure));
    }
  }

  /** Bodies are `{"error":{"code"}}`, `{"code"}` or nothing at all. */
  private static String codeOf(HttpResponseException failure) {
    JsonNode body = JSON.valueToTree(failure.getValue());
    return (body.has("error") ? body.get("error") : body).path("code").asText();
  }
}
