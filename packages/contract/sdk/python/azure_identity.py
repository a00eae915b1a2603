"""Asks each credential of the vendor's identity library for a token, and prints, as JSON, whose it is.

Reads one JSON object: certificate, a PEM file with its key. Everything else stands in the environment.
"""

import base64
import json
import os
import sys

from azure.core.exceptions import ClientAuthenticationError
from azure.identity import (
    CertificateCredential,
    ClientAssertionCredential,
    ClientSecretCredential,
    DefaultAzureCredential,
    EnvironmentCredential,
    ManagedIdentityCredential,
)

given = json.load(sys.stdin)
SCOPE = "https://eventgrid.azure.net/.default"
tenant, client = os.environ["AZURE_TENANT_ID"], os.environ["AZURE_CLIENT_ID"]


def oid_of(credential):
    body = credential.get_token(SCOPE).token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(body + "=="))["oid"]


def exchange_token():
    return ManagedIdentityCredential().get_token("api://AzureADTokenExchange/.default").token


def refusal():
    try:
        return oid_of(ClientSecretCredential(tenant, client, "wrong"))
    except ClientAuthenticationError as failure:
        return failure.message


outcomes = {
    "secret": oid_of(ClientSecretCredential(tenant, client, os.environ["AZURE_CLIENT_SECRET"])),
    "environment": oid_of(EnvironmentCredential()),
    "default": oid_of(DefaultAzureCredential()),
    "certificate": oid_of(CertificateCredential(tenant, "certificate", given["certificate"])),
    "assertion": oid_of(ClientAssertionCredential(tenant, "federated", exchange_token)),
    "app service": oid_of(ManagedIdentityCredential()),
    "app service by client id": oid_of(ManagedIdentityCredential(client_id="user")),
    "wrong": refusal(),
}
# Without App Service's variables a program takes itself to be on a virtual machine.
del os.environ["IDENTITY_ENDPOINT"], os.environ["IDENTITY_HEADER"]
outcomes["imds"] = oid_of(ManagedIdentityCredential())
outcomes["imds by client id"] = oid_of(ManagedIdentityCredential(client_id="user"))
print(json.dumps(outcomes))
