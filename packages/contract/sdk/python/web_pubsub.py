"""Calls every method of the vendor's Web PubSub SDK and prints, as JSON, what each of them answered.

Reads one JSON object: connection strings by scheme; REQUESTS_CA_BUNDLE names the file of the CA. The MQTT
client `device1` of user `alice` is connected by whoever runs this.
"""

import json
import sys

from azure.core.exceptions import HttpResponseError
from azure.core.rest import HttpRequest
from azure.messaging.webpubsubservice import WebPubSubServiceClient

given = json.load(sys.stdin)


class Noting:
    """Passes everything on, and notes the names of what is called."""

    def __init__(self, service):
        self.service = service
        # Used to make the client.
        self.called = {"from_connection_string"}

    def __getattr__(self, name):
        self.called.add(name)
        return getattr(self.service, name)

    def left_out(self):
        names = {name for name in dir(self.service) if not name.startswith("_")}
        return sorted(names - self.called)


def run(service):
    send = {"content_type": "text/plain"}
    grant = {"permission": "sendToGroup", "connection_id": "device1", "target_name": "room2"}
    token = service.get_client_access_token(
        user_id="alice", roles=["webpubsub.sendToGroup"], client_protocol="MQTT"
    )
    return {
        "url": token["url"].split("?")[0],
        "connection": service.connection_exists("device1"),
        "no connection": service.connection_exists("missing"),
        "user": service.user_exists("alice"),
        "no user": service.user_exists("nobody"),
        "no group": service.group_exists("room1"),
        "add connection": service.add_connection_to_group("room1", "device1"),
        "group": service.group_exists("room1"),
        "members": [
            (member.connection_id, member.user_id)
            for member in service.list_connections(group="room1", top=5)
        ],
        "all": service.send_to_all("to all", **send),
        "to group": service.send_to_group("room1", "to group", **send),
        "to user": service.send_to_user("alice", {"to": "user"}),
        "to connection": service.send_to_connection("device1", "to connection", **send),
        "remove connection": service.remove_connection_from_group("room1", "device1"),
        "add user": service.add_user_to_group("room1", "alice"),
        "remove user": service.remove_user_from_group("room1", "alice"),
        "remove user everywhere": service.remove_user_from_all_groups("alice"),
        "remove connection everywhere": service.remove_connection_from_all_groups("device1"),
        "no permission": service.has_permission(**grant),
        "grant": service.grant_permission(**grant),
        "permission": service.has_permission(**grant),
        "revoke": service.revoke_permission(**grant),
        "close group": service.close_group_connections("nobody"),
        "close user": service.close_user_connections("nobody"),
        "close connection": service.close_connection("missing", reason="bye"),
        "close all": service.close_all_connections(excluded=["device1"]),
        "request": service.send_request(
            HttpRequest("HEAD", "/api/hubs/chat/users/alice?api-version=2024-12-01")
        ).status_code,
        "end": service.close(),
        "left out": service.left_out(),
    }


outcomes = {}
for scheme, connection_string in given["connectionStrings"].items():
    service = WebPubSubServiceClient.from_connection_string(connection_string, hub="chat")
    outcomes[scheme] = run(Noting(service))
wrong = given["connectionStrings"]["http"].replace("AccessKey=", "AccessKey=wrong")
try:
    service = WebPubSubServiceClient.from_connection_string(wrong, hub="chat")
    service.send_to_all("x", content_type="text/plain")
    outcomes["wrong key"] = "sent"
except HttpResponseError as failure:
    outcomes["wrong key"] = failure.status_code
print(json.dumps(outcomes))
