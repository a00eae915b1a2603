"""Connects with the device SDK by certificate and by signed WebSocket, and prints, as JSON, what comes back.

Reads one JSON object: port, and the files ca, cert and key.
"""

import json
import sys
import threading

from awscrt import auth, mqtt5
from awsiot import mqtt5_client_builder

given = json.load(sys.stdin)
WAIT_SECONDS = 20


def text_of(data):
    """The SDK gives text for what it can read as UTF-8, and bytes otherwise."""
    return data if isinstance(data, str) else data.decode()


def exchange(name, build):
    """Publishes a message to itself with every MQTT 5 property, and answers it as received."""
    connected, received, stopped = threading.Event(), threading.Event(), threading.Event()
    packets = []

    def on_publish_received(data):
        packets.append(data.publish_packet)
        received.set()

    client = build(
        endpoint="localhost",
        port=given["port"],
        ca_filepath=given["ca"],
        client_id=name,
        on_publish_received=on_publish_received,
        on_lifecycle_connection_success=lambda _: connected.set(),
        on_lifecycle_connection_failure=lambda data: print(data.exception, file=sys.stderr),
        on_lifecycle_stopped=lambda _: stopped.set(),
    )
    client.start()
    assert connected.wait(WAIT_SECONDS), "no connection"
    at_least_once = mqtt5.QoS.AT_LEAST_ONCE
    subscription = mqtt5.Subscription(f"{name}/state", at_least_once)
    client.subscribe(mqtt5.SubscribePacket(subscriptions=[subscription])).result(WAIT_SECONDS)
    sent = mqtt5.PublishPacket(
        topic=f"{name}/state",
        payload=b'{"on":1}',
        qos=at_least_once,
        payload_format_indicator=mqtt5.PayloadFormatIndicator.AWS_MQTT5_PFI_UTF8,
        message_expiry_interval_sec=60,
        content_type="application/json",
        response_topic="answers/here",
        correlation_data=b"abc",
        user_properties=[mqtt5.UserProperty("deviceName", "alpha")],
    )
    puback = client.publish(sent).result(WAIT_SECONDS).puback
    assert received.wait(WAIT_SECONDS), "no message"
    client.stop()
    assert stopped.wait(WAIT_SECONDS), "no end"
    packet = packets[0]
    return {
        "puback": int(puback.reason_code),
        "topic": packet.topic,
        "payload": packet.payload.decode(),
        "payloadFormat": int(packet.payload_format_indicator),
        "messageExpiry": packet.message_expiry_interval_sec,
        "contentType": packet.content_type,
        "responseTopic": packet.response_topic,
        "correlationData": text_of(packet.correlation_data),
        "userProperties": [[pair.name, pair.value] for pair in packet.user_properties],
    }


def by_certificate(**options):
    return mqtt5_client_builder.mtls_from_path(
        cert_filepath=given["cert"], pri_key_filepath=given["key"], **options
    )


def by_signature(**options):
    return mqtt5_client_builder.websockets_with_default_aws_signing(
        region="us-east-1",
        credentials_provider=auth.AwsCredentialsProvider.new_static("test", "test"),
        **options,
    )


json.dump(
    {"lamp": exchange("lamp", by_certificate), "door": exchange("door", by_signature)}, sys.stdout
)
