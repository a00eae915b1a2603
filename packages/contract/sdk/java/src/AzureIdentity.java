import com.azure.core.credential.TokenCredential;
import com.azure.core.credential.TokenRequestContext;
import com.azure.identity.ClientAssertionCredentialBuilder;
import com.azure.identity.ClientCertificateCredentialBuilder;
import com.azure.identity.ClientSecretCredentialBuilder;
import com.azure.identity.DefaultAzureCredentialBuilder;
import com.azure.identity.EnvironmentCredentialBuilder;
import com.azure.identity.ManagedIdentityCredentialBuilder;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Asks each credential for a token, and prints whose it is.
 *
 * <p>Given: certificate, a PEM file with its key. Everything else stands in the environment: a
 * program that finds no variables of App Service there takes itself to be on a virtual machine.
 */
final class AzureIdentity {
  private static final String TENANT = System.getenv("AZURE_TENANT_ID");
  private static final String CLIENT = System.getenv("AZURE_CLIENT_ID");

  private AzureIdentity() {}

  public static void main(String[] args) throws Exception {
    Map<String, Program.Call> calls = new LinkedHashMap<>();
    if (System.getenv("IDENTITY_ENDPOINT") == null) {
      calls.put("imds", () -> oidOf(managed().build()));
      calls.put("imds by client id", () -> oidOf(managed().clientId("user").build()));
    } else {
      calls.put("secret", () -> oidOf(secret(System.getenv("AZURE_CLIENT_SECRET"))));
      calls.put("environment", () -> oidOf(new EnvironmentCredentialBuilder().build()));
      calls.put("default", () -> oidOf(new DefaultAzureCredentialBuilder().build()));
      calls.put("certificate", () -> oidOf(certificate()));
      calls.put("assertion", () -> oidOf(assertion()));
      calls.put("app service", () -> oidOf(managed().build()));
      calls.put("app service by client id", () -> oidOf(managed().clientId("user").build()));
      calls.put("wrong", () -> oidOf(secret("wrong")));
    }
    for (var call : calls.entrySet()) {
      Object told;
      try {
        told = call.getValue().run();
      } catch (RuntimeException refusal) {
        // A ClientAuthenticationException, or around it what another thread came to its end by.
        told = refusal.getMessage();
      }
      Program.print(call.getKey(), told);
    }
  }

  private static ManagedIdentityCredentialBuilder managed() {
    return new ManagedIdentityCredentialBuilder();
  }

  private static TokenCredential secret(String text) {
    return new ClientSecretCredentialBuilder()
        .tenantId(TENANT)
        .clientId(CLIENT)
        .clientSecret(text)
        .build();
  }

  private static TokenCredential certificate() {
    return new ClientCertificateCredentialBuilder()
        .tenantId(TENANT)
        .clientId("certificate")
        .pemCertificate(Program.given("certificate"))
        .build();
  }

  private static TokenCredential assertion() {
    return new ClientAssertionCredentialBuilder()
        .tenantId(TENANT)
        .clientId("federated")
        .clientAssertion(() -> tokenOf(managed().build(), "api://AzureADTokenExchange/.default"))
        .build();
  }

  private static String tokenOf(TokenCredential credential, String scope) {
    return credential.getTokenSync(new TokenRequestContext().addScopes(scope)).getToken();
  }

  private static String oidOf(TokenCredential credential) throws Exception {
    String token = tokenOf(credential, "https://eventgrid.azure.net/.default");
    byte[] claims = Base64.getUrlDecoder().decode(token.split("\\.")[1]);
    return Program.JSON.readTree(claims).get("oid").asText();
  }
}
