"""Publishes to Event Grid topics with the vendor's SDK and prints, as JSON, what became of each call.

Reads one JSON object: urls by scheme, key and token; REQUESTS_CA_BUNDLE names the file of the CA.
"""

import json
import sys
from datetime import datetime, timedelta, timezone

from azure.core.credentials import AccessToken, AzureKeyCredential, AzureSasCredential
from azure.core.exceptions import HttpResponseError
from azure.core.messaging import CloudEvent
from azure.eventgrid import EventGridEvent, EventGridPublisherClient, generate_sas

given = json.load(sys.stdin)


class Authority:
    """A token credential with a token of the local authority."""

    def get_token(self, *scopes, **_):
        assert scopes == ("https://eventgrid.azure.net/.default",), scopes
        return AccessToken(given["token"], int(datetime.now().timestamp()) + 3600)


SCHEMAS = {
    "orders": lambda: EventGridEvent(
        subject="orders/1", event_type="Shop.OrderPlaced", data={"total": 7}, data_version="1.0"
    ),
    "cloud": lambda: CloudEvent(source="/shop", type="Shop.OrderPlaced", data={"total": 7}),
    "custom": lambda: {"sub": "orders/1", "total": 7},
}


def credentials(endpoint):
    key = given["key"]
    expiry = datetime.now(timezone.utc) + timedelta(minutes=1)
    yield "key", AzureKeyCredential(key)
    yield "sas", AzureSasCredential(generate_sas(endpoint, key, expiry))
    # The SDK itself sends no token over plain http.
    if endpoint.startswith("https:"):
        yield "token", Authority()


def send(endpoint, credential, events):
    client = EventGridPublisherClient(endpoint, credential)
    try:
        client.send(events)
        return "sent"
    except HttpResponseError as failure:
        return {
            "type": type(failure).__name__,
            "status": failure.status_code,
            "code": failure.error and failure.error.code,
            "message": failure.error and failure.error.message,
        }


outcomes = {}
for scheme, url in given["urls"].items():
    for topic, make in SCHEMAS.items():
        endpoint = f"{url}/{topic}/api/events"
        for name, credential in credentials(endpoint):
            outcomes[f"{scheme} {topic} {name}"] = send(endpoint, credential, [make(), make()])

orders = f"{given['urls']['http']}/orders/api/events"
outcomes["bad key"] = send(orders, AzureKeyCredential("bad credential"), [SCHEMAS["orders"]()])
large = EventGridEvent(subject="s", event_type="t", data="x" * 1_048_576, data_version="1.0")
outcomes["too large"] = send(orders, AzureKeyCredential(given["key"]), [large])
print(json.dumps(outcomes))
