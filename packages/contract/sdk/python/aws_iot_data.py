"""Calls every operation with boto3 and with the AWS CLI, well and badly, and prints, as JSON, what came of each call.

Reads one JSON object: urls by scheme, control, and the row of the error table to order for each error code. The
environment holds credentials, region and CA. For each pair of a caller and a scheme an MQTT client of that name,
`boto3 http`, is connected, and subscribed to its own name, by whoever runs this.
"""

import contextlib
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import urllib.request

import boto3
from awscli.clidriver import create_clidriver
from botocore import xform_name
from botocore.exceptions import ClientError

given = json.load(sys.stdin)
PLAIN = (str, int, float, bool, list, type(None))
# What an operation needs, when it is to be refused anyway.
ARGUMENTS = {"topic": "a", "thingName": "a", "clientId": "a", "payload": b"{}"}


def plain(value):
    """An answer without what is read from a stream or stands for the exchange itself."""
    if isinstance(value, dict):
        left_out = ("ResponseMetadata", "traceId")
        return {key: plain(inner) for key, inner in value.items() if key not in left_out}
    if isinstance(value, bytes):
        return value.decode()
    return value if isinstance(value, PLAIN) else json.loads(value.read())


def boto3_caller(url):
    client = boto3.client("iot-data", endpoint_url=url)

    def call(operation, **arguments):
        try:
            return plain(getattr(client, xform_name(operation))(**arguments))
        except ClientError as failure:
            error = failure.response["Error"]
            is_modelled = isinstance(failure, getattr(client.exceptions, error["Code"]))
            status = failure.response["ResponseMetadata"]["HTTPStatusCode"]
            return [error["Code"] if is_modelled else type(failure).__name__, error["Message"], status]

    return call


def cli_caller(url):
    """The command line in this process: a process of its own for each call would take minutes."""
    driver = create_clidriver()
    refusal = re.compile(r"An error occurred \((\w+)\) when calling the \w+ operation(?: \(.*?\))?: (.*)")

    def to_words(name, value):
        flag = xform_name(name, "-")
        if isinstance(value, bool):
            return [f"--{flag}" if value else f"--no-{flag}"]
        if isinstance(value, list):
            return [f"--{flag}", json.dumps(value)]
        return [f"--{flag}", value.decode() if isinstance(value, bytes) else str(value)]

    def call(operation, **arguments):
        words = ["iot-data", xform_name(operation, "-"), "--endpoint-url", url, "--output", "json"]
        for name, value in arguments.items():
            words += to_words(name, value)
        with tempfile.NamedTemporaryFile() as file:
            if re.search("ThingShadow$", operation):
                words.append(file.name)
            out, complaint = io.StringIO(), io.StringIO()
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(complaint):
                code = driver.main(words)
            if code != 0:
                found = refusal.search(complaint.getvalue())
                return [found[1], found[2]] if found else [str(code), complaint.getvalue()]
            document = file.read().decode()
            answer = plain(json.loads(out.getvalue() or "{}"))
            return {"payload": json.loads(document), **answer} if document else answer

    return call


def succeed(call, name):
    """One call of each operation, and what they answer."""
    topic, thing, shadow = f"{name}/line1", name.replace(" ", "-"), {"shadowName": "night"}
    desired = json.dumps({"state": {"desired": {"dim": 5}}}).encode()
    return {
        "Publish": call(
            "Publish",
            topic=topic,
            qos=1,
            retain=True,
            payload=b'{"temp":21}',
            contentType="application/json",
            responseTopic="r/t",
            correlationData="YWJj",
            userProperties=[{"deviceName": "alpha"}, {"deviceCnt": "45"}],
            messageExpiry=60,
            payloadFormatIndicator="UTF8_DATA",
        ),
        "GetRetainedMessage": call("GetRetainedMessage", topic=topic),
        "ListRetainedMessages": call("ListRetainedMessages"),
        "delete retained": call("Publish", topic=topic, retain=True),
        "UpdateThingShadow": call("UpdateThingShadow", thingName=thing, payload=desired, **shadow),
        "GetThingShadow": call("GetThingShadow", thingName=thing, **shadow),
        "ListNamedShadowsForThing": call("ListNamedShadowsForThing", thingName=thing),
        "DeleteThingShadow": call("DeleteThingShadow", thingName=thing, **shadow),
        "GetConnection": call("GetConnection", clientId=name, includeSocketInformation=True),
        "ListSubscriptions": call("ListSubscriptions", clientId=name),
        "SendDirectMessage": call(
            "SendDirectMessage", clientId=name, topic="direct", payload=b"hi", confirmation=True
        ),
        "DeleteConnection": call("DeleteConnection", clientId=name, cleanSession=True),
        "gone": call("GetConnection", clientId=name),
    }


def order(operation, row):
    body = json.dumps({"personality": "aws-iot", "operation": operation, "error": row}).encode()
    urllib.request.urlopen(urllib.request.Request(f"{given['control']}/fail", data=body)).close()


def fail(call):
    """What each error that the service's model names is told as, by operation and code."""
    model = boto3.client("iot-data", endpoint_url="http://localhost").meta.service_model
    told = {}
    for operation in model.operation_names:
        shape = model.operation_model(operation)
        needed = {name: ARGUMENTS[name] for name in shape.input_shape.required_members}
        told[operation] = {}
        for code in sorted(error.name for error in shape.error_shapes):
            order(operation, given["rows"][code])
            told[operation][code] = call(operation, **needed)
    return told


def run_executable(url):
    """The command itself, once, as a shell runs it."""
    aws = os.path.join(os.path.dirname(sys.executable), "aws")
    words = ["iot-data", "publish", "--endpoint-url", url, "--topic", "shell", "--payload", "hi"]
    return subprocess.run([aws, *words], capture_output=True, text=True).stderr


outcomes = {"shell": run_executable(given["urls"]["http"])}
for caller, create in {"boto3": boto3_caller, "cli": cli_caller}.items():
    for scheme, url in given["urls"].items():
        name = f"{caller} {scheme}"
        call = create(url)
        outcomes[name] = {"answers": succeed(call, name), "refusals": fail(call)}
print(json.dumps(outcomes))
