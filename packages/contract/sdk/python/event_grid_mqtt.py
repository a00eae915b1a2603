"""Connects to an Event Grid namespace with paho: by certificate, by a token of Entra, by one of another issuer.

Reads one JSON object: host, port, ca, cert, key and tokens by authentication method. Prints, as JSON, what
became of each client.
"""

import json
import queue
import sys

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

given = json.load(sys.stdin)
WAIT_SECONDS = 20


def exchange(name, token=None, certificate=False, **options):
    """Publishes a message to itself and answers it as received, or the reason it was not let in for."""
    answers, messages = queue.Queue(), queue.Queue()
    client = mqtt.Client(
        mqtt.CallbackAPIVersion.VERSION2,
        client_id=name,
        protocol=options.get("protocol", mqtt.MQTTv5),
    )
    client.on_connect = lambda _client, _data, _flags, reason, _properties: answers.put(reason)
    client.on_subscribe = lambda _client, _data, _id, reasons, _properties: answers.put(reasons[0])
    client.on_publish = lambda _client, _data, _id, reason, _properties: answers.put(reason)
    client.on_message = lambda _client, _data, message: messages.put(message)
    pair = {"certfile": given["cert"], "keyfile": given["key"]} if certificate else {}
    client.tls_set(ca_certs=given["ca"], **pair)
    if certificate:
        client.username_pw_set(options.get("username", "dev1"))
    properties = None
    if token:
        method, data = token
        properties = Properties(PacketTypes.CONNECT)
        properties.AuthenticationMethod = method
        properties.AuthenticationData = data.encode()
    more = {"properties": properties} if properties else {}
    client.connect(given["host"], given["port"], **more)
    client.loop_start()
    try:
        connected = answers.get(timeout=WAIT_SECONDS)
        if connected.is_failure:
            return {"refused": connected.getName()}
        topic = f"lab/{name}/state"
        client.subscribe(topic, qos=1)
        granted = answers.get(timeout=WAIT_SECONDS)
        client.publish(topic, b"on", qos=1)
        published = answers.get(timeout=WAIT_SECONDS)
        message = messages.get(timeout=WAIT_SECONDS)
        return {
            "granted": granted.value,
            "published": published.value,
            "topic": message.topic,
            "payload": message.payload.decode(),
        }
    finally:
        client.disconnect()
        client.loop_stop()


tokens = given["tokens"]
outcomes = {
    "certificate": exchange("certificate", certificate=True),
    "certificate 3.1.1": exchange("older", certificate=True, protocol=mqtt.MQTTv311),
    "certificate of another": exchange("another", certificate=True, username="dev2"),
    "no credential": exchange("nobody"),
    "unknown method": exchange("unknown", ("K8S-SAT", "x")),
}
for method, token in tokens.items():
    outcomes[method] = exchange(method, (method, token))
    outcomes[f"broken {method}"] = exchange(f"broken-{method}", (method, token + "x"))
print(json.dumps(outcomes))
