"""Sends to a namespace topic and settles what it receives, with the vendor's SDK; prints the outcomes as JSON.

Reads one JSON object: url and key. The token is that of the credential in the environment.
"""

import json
import sys

from azure.core.credentials import AzureKeyCredential
from azure.core.exceptions import HttpResponseError
from azure.core.messaging import CloudEvent
from azure.eventgrid import EventGridConsumerClient, EventGridPublisherClient
from azure.identity import DefaultAzureCredential

given = json.load(sys.stdin)


def event(name):
    return CloudEvent(id=name, source="/lab", type="lab.reading", data={"id": name}, extensions={"site": "north"})


def summary(details):
    return [
        [one.event.data["id"], one.event.extensions, one.broker_properties.delivery_count]
        for one in details
    ]


def tokens_of(details):
    return [one.broker_properties.lock_token for one in details]


def result(answer):
    return [
        len(answer.succeeded_lock_tokens),
        [failed.error.code for failed in answer.failed_lock_tokens],
    ]


def refusal(call):
    try:
        call()
        return "sent"
    except HttpResponseError as failure:
        return [type(failure).__name__, failure.status_code, failure.error and failure.error.code]


def run(credential):
    sender = EventGridPublisherClient(given["url"], credential, namespace_topic="default")
    nowhere = EventGridPublisherClient(given["url"], credential, namespace_topic="nowhere")
    receiver = EventGridConsumerClient(
        given["url"], credential, namespace_topic="default", subscription="default"
    )
    sender.send(event("one"))
    sender.send([event("two"), event("three")])
    first = receiver.receive(max_events=10, max_wait_time=10)
    one, two, three = tokens_of(first)
    done = {
        "renew": result(receiver.renew_locks(lock_tokens=[one])),
        "acknowledge": result(receiver.acknowledge(lock_tokens=[one])),
        "reject": result(receiver.reject(lock_tokens=[two])),
        "release": result(receiver.release(lock_tokens=[three])),
        "again": result(receiver.acknowledge(lock_tokens=[one])),
    }
    second = receiver.receive(max_events=10, max_wait_time=10)
    receiver.acknowledge(lock_tokens=tokens_of(second))
    return {
        "first": summary(first),
        "second": summary(second),
        "done": done,
        "nowhere": refusal(lambda: nowhere.send(event("x"))),
    }


wrong = EventGridPublisherClient(given["url"], AzureKeyCredential("wrong"), namespace_topic="default")
outcomes = {
    "key": run(AzureKeyCredential(given["key"])),
    "token": run(DefaultAzureCredential()),
    "wrong key": refusal(lambda: wrong.send(event("x"))),
}
print(json.dumps(outcomes))
