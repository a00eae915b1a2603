package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// once is the policy of a client that tells of every refusal in place of trying again.
var once = policy.ClientOptions{Retry: policy.RetryOptions{MaxRetries: -1}}

// azureOutcome is "ok", or the status, code and message of a refusal.
func azureOutcome(err error) any {
	var refusal *azcore.ResponseError
	switch {
	case err == nil:
		return "ok"
	case !errors.As(err, &refusal):
		return fmt.Sprint(err)
	}
	return []any{refusal.StatusCode, refusal.ErrorCode, messageOf(refusal)}
}

// messageOf reads what the SDK keeps for its own printing only.
func messageOf(refusal *azcore.ResponseError) string {
	text, err := runtime.Payload(refusal.RawResponse)
	if err != nil {
		return err.Error()
	}
	var body struct{ Error struct{ Message string } }
	if err := json.Unmarshal(text, &body); err != nil {
		return string(text)
	}
	return body.Error.Message
}

// stranger gives tokens to a principal that is known to the authority, and holds no role.
func stranger() (azcore.TokenCredential, error) {
	return azidentity.NewClientSecretCredential(
		os.Getenv("AZURE_TENANT_ID"), "stranger", os.Getenv("AZURE_CLIENT_SECRET"), nil,
	)
}
