package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/golang-jwt/jwt/v5"
)

const scope = "https://eventgrid.azure.net/.default"

// identity asks each credential of the vendor's identity library for a token, and tells whose it is.
func identity(ctx context.Context) error {
	var given struct {
		// Certificate is a PEM file with its key.
		Certificate string
	}
	if err := read(&given); err != nil {
		return err
	}
	tenant, client := os.Getenv("AZURE_TENANT_ID"), os.Getenv("AZURE_CLIENT_ID")
	pem, err := os.ReadFile(given.Certificate)
	if err != nil {
		return err
	}
	certificates, key, err := azidentity.ParseCertificates(pem, nil)
	if err != nil {
		return err
	}
	type credential = func() (azcore.TokenCredential, error)
	managed := func(id azidentity.ManagedIDKind) credential {
		return func() (azcore.TokenCredential, error) {
			return azidentity.NewManagedIdentityCredential(&azidentity.ManagedIdentityCredentialOptions{ID: id})
		}
	}
	secret := func(text string) credential {
		return func() (azcore.TokenCredential, error) {
			return azidentity.NewClientSecretCredential(tenant, client, text, nil)
		}
	}
	ask := func(name string, create credential) {
		tell(name, oidOf(ctx, create))
	}
	ask("secret", secret(os.Getenv("AZURE_CLIENT_SECRET")))
	ask("environment", func() (azcore.TokenCredential, error) {
		return azidentity.NewEnvironmentCredential(nil)
	})
	ask("default", func() (azcore.TokenCredential, error) {
		return azidentity.NewDefaultAzureCredential(nil)
	})
	ask("certificate", func() (azcore.TokenCredential, error) {
		return azidentity.NewClientCertificateCredential(tenant, "certificate", certificates, key, nil)
	})
	ask("assertion", func() (azcore.TokenCredential, error) {
		return azidentity.NewClientAssertionCredential(tenant, "federated", exchangeToken, nil)
	})
	ask("app service", managed(nil))
	ask("app service by client id", managed(azidentity.ClientID("user")))
	ask("wrong", secret("wrong"))
	// Without App Service's variables a program takes itself to be on a virtual machine.
	for _, name := range []string{"IDENTITY_ENDPOINT", "IDENTITY_HEADER"} {
		if err := os.Unsetenv(name); err != nil {
			return err
		}
	}
	ask("imds", managed(nil))
	ask("imds by client id", managed(azidentity.ClientID("user")))
	return nil
}

// exchangeToken is what a federated principal proves itself with.
func exchangeToken(ctx context.Context) (string, error) {
	credential, err := azidentity.NewManagedIdentityCredential(nil)
	if err != nil {
		return "", err
	}
	scopes := []string{"api://AzureADTokenExchange/.default"}
	token, err := credential.GetToken(ctx, policy.TokenRequestOptions{Scopes: scopes})
	return token.Token, err
}

// oidOf is the object id of the principal that a credential gets a token for, or the kind of its failure and why.
func oidOf(ctx context.Context, create func() (azcore.TokenCredential, error)) any {
	credential, err := create()
	if err != nil {
		return err.Error()
	}
	token, err := credential.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{scope}})
	var refused *azidentity.AuthenticationFailedError
	if errors.As(err, &refused) {
		return []string{fmt.Sprintf("%T", refused), err.Error()}
	}
	if err != nil {
		return err.Error()
	}
	claims := jwt.MapClaims{}
	// Its signature is for the service to check.
	if _, _, err := jwt.NewParser().ParseUnverified(token.Token, claims); err != nil {
		return err.Error()
	}
	return claims["oid"]
}
