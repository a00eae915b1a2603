import com.fasterxml.jackson.databind.JsonNode;
import com.hivemq.client.mqtt.MqttClientBuilderBase;
import com.hivemq.client.mqtt.MqttClientSslConfig;
import com.hivemq.client.mqtt.MqttWebSocketConfig;
import java.io.ByteArrayInputStream;
import java.net.URI;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import javax.net.ssl.KeyManagerFactory;

/**
 * Where a client connects: a url of mqtt, mqtts, ws or wss, and a certificate with its key,
 * PEM each.
 *
 * <p>Whom TLS trusts is the virtual machine's own business.
 */
final class Doors {
  private static final char[] NO_PASSWORD = {};

  private Doors() {}

  static <B extends MqttClientBuilderBase<B>> B open(B builder, JsonNode device) throws Exception {
    URI url = URI.create(device.get("url").asText());
    builder = builder.serverHost(url.getHost()).serverPort(url.getPort());
    if (url.getScheme().endsWith("s")) builder = builder.sslConfig(toSsl(device));
    if (!url.getScheme().startsWith("ws")) return builder;
    var socket = MqttWebSocketConfig.builder().serverPath(url.getPath().substring(1));
    if (url.getRawQuery() != null) socket.queryString(url.getRawQuery());
    return builder.webSocketConfig(socket.build());
  }

  private static MqttClientSslConfig toSsl(JsonNode device) throws Exception {
    var ssl = MqttClientSslConfig.builder();
    if (device.has("cert")) {
      ssl.keyManagerFactory(keys(device.get("cert").asText(), device.get("key").asText()));
    }
    return ssl.build();
  }

  private static KeyManagerFactory keys(String certPem, String keyPem) throws Exception {
    var bytes = new ByteArrayInputStream(certPem.getBytes());
    var certificate = CertificateFactory.getInstance("X.509").generateCertificate(bytes);
    String pem = keyPem.replaceAll("-----.*-----|\\s", "");
    var spec = new PKCS8EncodedKeySpec(Base64.getDecoder().decode(pem));
    String algorithm = certificate.getPublicKey().getAlgorithm();
    PrivateKey key = KeyFactory.getInstance(algorithm).generatePrivate(spec);
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, NO_PASSWORD);
    store.setKeyEntry("client", key, NO_PASSWORD, new Certificate[] {certificate});
    var factory = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    factory.init(store, NO_PASSWORD);
    return factory;
  }
}
