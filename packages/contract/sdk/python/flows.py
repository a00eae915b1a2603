"""Sends one text, its argument, by each SDK for Python, to where its environment says."""

import json
import os
import sys

import boto3
from azure.core.messaging import CloudEvent
from azure.eventgrid import EventGridPublisherClient
from azure.identity import DefaultAzureCredential
from azure.messaging.webpubsubservice import WebPubSubServiceClient

text = sys.argv[1]


def tell(flow):
    print(json.dumps({"flow": flow}), flush=True)


boto3.client("iot-data").publish(topic="flows/line1", qos=1, payload=text.encode())
tell("aws-iot")

publisher = EventGridPublisherClient(
    os.environ["FOGBANK_AZURE_EVENT_GRID_NAMESPACES_ENDPOINT"],
    DefaultAzureCredential(),
    namespace_topic="default",
)
publisher.send(CloudEvent(source="/python", type="flows.text", data={"text": text}))
tell("azure-event-grid-namespaces")

connection_string = os.environ["WebPubSubConnectionString"]
service = WebPubSubServiceClient.from_connection_string(connection_string, hub="flows")
service.send_to_all(text, content_type="text/plain")
tell("azure-web-pubsub")
