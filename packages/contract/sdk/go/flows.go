package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/messaging"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/eventgrid/aznamespaces"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/iotdataplane"
	"github.com/golang-jwt/jwt/v5"
)

// flows sends one text, the second argument, by each SDK to where the environment says.
func flows(ctx context.Context) error {
	text := os.Args[2]
	for _, flow := range []struct {
		name string
		send func(context.Context, string) error
	}{
		{"aws-iot", publish},
		{"azure-event-grid-namespaces", sendEvent},
		{"azure-web-pubsub", sendToAll},
	} {
		if err := flow.send(ctx, text); err != nil {
			return fmt.Errorf("%s: %w", flow.name, err)
		}
		printLine(map[string]string{"flow": flow.name})
	}
	return nil
}

func publish(ctx context.Context, text string) error {
	settings, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return err
	}
	_, err = iotdataplane.NewFromConfig(settings).Publish(ctx, &iotdataplane.PublishInput{
		Topic:   aws.String("flows/line1"),
		Qos:     1,
		Payload: []byte(text),
	})
	return err
}

func sendEvent(ctx context.Context, text string) error {
	credential, err := azidentity.NewDefaultAzureCredential(nil)
	if err != nil {
		return err
	}
	endpoint := os.Getenv("FOGBANK_AZURE_EVENT_GRID_NAMESPACES_ENDPOINT")
	sender, err := aznamespaces.NewSenderClient(endpoint, "default", credential, nil)
	if err != nil {
		return err
	}
	event, err := messaging.NewCloudEvent("/go", "flows.text", map[string]string{"text": text}, nil)
	if err != nil {
		return err
	}
	_, err = sender.SendEvent(ctx, &event, nil)
	return err
}

// sendToAll calls the REST API: the vendor has no Web PubSub SDK for Go.
func sendToAll(ctx context.Context, text string) error {
	parts := map[string]string{}
	for _, part := range strings.Split(os.Getenv("WebPubSubConnectionString"), ";") {
		name, value, _ := strings.Cut(part, "=")
		parts[name] = value
	}
	url := parts["Endpoint"] + "/api/hubs/flows/:send"
	claims := jwt.MapClaims{"aud": url, "exp": time.Now().Add(time.Minute).Unix()}
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte(parts["AccessKey"]))
	if err != nil {
		return err
	}
	url += "?api-version=2024-01-01"
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(text))
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Content-Type", "text/plain")
	reply, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	if reply.StatusCode != http.StatusAccepted {
		return fmt.Errorf("answered %s", reply.Status)
	}
	return nil
}
