package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/messaging"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/eventgrid/azeventgrid"
)

type topicsGiven struct {
	URL, Key, Control string
	// Ordered are the rows of the error table that nothing else provokes.
	Ordered []string
}

var topicOptions = &azeventgrid.ClientOptions{ClientOptions: once}

// sends has one call for each schema, by the topic that takes it.
var sends = map[string]func(context.Context, *azeventgrid.Client) error{
	"orders": func(ctx context.Context, client *azeventgrid.Client) error {
		_, err := client.PublishEvents(ctx, []azeventgrid.Event{newOrder("1"), newOrder("2")}, nil)
		return err
	},
	"cloud": func(ctx context.Context, client *azeventgrid.Client) error {
		event, err := messaging.NewCloudEvent("/shop", "Shop.OrderPlaced", map[string]int{"total": 7}, nil)
		if err != nil {
			return err
		}
		_, err = client.PublishCloudEvents(ctx, []messaging.CloudEvent{event, event}, nil)
		return err
	},
	"custom": func(ctx context.Context, client *azeventgrid.Client) error {
		event := map[string]any{"sub": "orders/1", "total": 7}
		_, err := client.PublishCustomEventEvents(ctx, []any{event, event}, nil)
		return err
	},
}

func newOrder(id string) azeventgrid.Event {
	return azeventgrid.Event{
		ID:          to.Ptr(id),
		Subject:     to.Ptr("orders/" + id),
		EventType:   to.Ptr("Shop.OrderPlaced"),
		EventTime:   to.Ptr(time.Now()),
		DataVersion: to.Ptr("1.0"),
		Data:        map[string]int{"total": 7},
	}
}

// topics publishes in every schema with every credential, and provokes the refusals.
func topics(ctx context.Context) error {
	var given topicsGiven
	if err := read(&given); err != nil {
		return err
	}
	credential, err := azidentity.NewDefaultAzureCredential(nil)
	if err != nil {
		return err
	}
	for topic, send := range sends {
		clients, err := clientsOf(given.URL+"/"+topic+"/api/events", given.Key, credential)
		if err != nil {
			return err
		}
		for name, client := range clients {
			tell(topic+" by "+name, azureOutcome(send(ctx, client)))
		}
	}
	return refusePublishing(ctx, given)
}

// clientsOf has a client for each kind of credential; the SDK sends none of them over plain http.
func clientsOf(endpoint, key string, credential azcore.TokenCredential) (map[string]*azeventgrid.Client, error) {
	byKey, err := azeventgrid.NewClientWithSharedKeyCredential(endpoint, azcore.NewKeyCredential(key), topicOptions)
	if err != nil {
		return nil, err
	}
	sas, err := sign(endpoint, key, time.Now().Add(time.Minute))
	if err != nil {
		return nil, err
	}
	bySas, err := azeventgrid.NewClientWithSAS(endpoint, azcore.NewSASCredential(sas), topicOptions)
	if err != nil {
		return nil, err
	}
	byToken, err := azeventgrid.NewClient(endpoint, credential, topicOptions)
	return map[string]*azeventgrid.Client{"key": byKey, "SAS": bySas, "token": byToken}, err
}

// sign makes a shared access signature; this SDK leaves that to its user.
func sign(endpoint, key string, expiry time.Time) (string, error) {
	secret, err := base64.StdEncoding.DecodeString(key)
	if err != nil {
		return "", err
	}
	resource := url.QueryEscape(endpoint)
	unsigned := fmt.Sprintf("r=%s&e=%s", resource, url.QueryEscape(expiry.UTC().Format("1/2/2006 3:04:05 PM")))
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(unsigned))
	signature := base64.StdEncoding.EncodeToString(mac.Sum(nil))
	return unsigned + "&s=" + url.QueryEscape(signature), nil
}

func refusePublishing(ctx context.Context, given topicsGiven) error {
	orders := given.URL + "/orders/api/events"
	key := azcore.NewKeyCredential(given.Key)
	client, err := azeventgrid.NewClientWithSharedKeyCredential(orders, key, topicOptions)
	if err != nil {
		return err
	}
	bad, err := azeventgrid.NewClientWithSharedKeyCredential(orders, azcore.NewKeyCredential("bad credential"), topicOptions)
	if err != nil {
		return err
	}
	nowhere, err := azeventgrid.NewClientWithSharedKeyCredential(given.URL+"/nowhere", key, topicOptions)
	if err != nil {
		return err
	}
	nobody, err := stranger()
	if err != nil {
		return err
	}
	without, err := azeventgrid.NewClient(orders, nobody, topicOptions)
	if err != nil {
		return err
	}
	tell("bad key", azureOutcome(sends["orders"](ctx, bad)))
	tell("another schema", azureOutcome(sends["custom"](ctx, client)))
	tell("token without a role", azureOutcome(sends["orders"](ctx, without)))
	tell("no such path", azureOutcome(sends["orders"](ctx, nowhere)))
	large := newOrder("large")
	large.Data = strings.Repeat("x", 1024*1024)
	_, err = client.PublishEvents(ctx, []azeventgrid.Event{large}, nil)
	tell("too large", azureOutcome(err))
	for _, row := range given.Ordered {
		err := order(ctx, given.Control, "azure-event-grid-topics", "PublishEvents", row)
		if err != nil {
			return err
		}
		tell(row, azureOutcome(sends["orders"](ctx, client)))
	}
	return nil
}
