package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/messaging"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/eventgrid/aznamespaces"
)

type namespacesGiven struct {
	URL, Key, Control string
	// Ordered are the rows of the error table that nothing else provokes.
	Ordered []string
}

// queue is a topic and a subscription to it, as one credential reaches them.
type queue struct {
	sender   *aznamespaces.SenderClient
	receiver *aznamespaces.ReceiverClient
}

// namespaces sends to a namespace topic and settles what it receives, with a key and with the token of the
// environment's credential, and provokes the refusals.
func namespaces(ctx context.Context) error {
	var given namespacesGiven
	if err := read(&given); err != nil {
		return err
	}
	key := azcore.NewKeyCredential(given.Key)
	credential, err := azidentity.NewDefaultAzureCredential(nil)
	if err != nil {
		return err
	}
	byKey, err := keyQueue(given.URL, key)
	if err != nil {
		return err
	}
	byToken, err := tokenQueue(given.URL, credential)
	if err != nil {
		return err
	}
	for name, one := range map[string]queue{"key": byKey, "token": byToken} {
		outcome, err := exchange(ctx, one)
		if err != nil {
			return fmt.Errorf("with a %s: %w", name, err)
		}
		tell(name, outcome)
	}
	if err := refuseEvents(ctx, given, byKey); err != nil {
		return err
	}
	return refuseOrdered(ctx, given, byKey)
}

func keyQueue(url string, key *azcore.KeyCredential) (queue, error) {
	options := &aznamespaces.SenderClientOptions{ClientOptions: once}
	sender, err := aznamespaces.NewSenderClientWithSharedKeyCredential(url, "default", key, options)
	if err != nil {
		return queue{}, err
	}
	receiver, err := aznamespaces.NewReceiverClientWithSharedKeyCredential(
		url, "default", "default", key, &aznamespaces.ReceiverClientOptions{ClientOptions: once},
	)
	return queue{sender, receiver}, err
}

func tokenQueue(url string, credential azcore.TokenCredential) (queue, error) {
	options := &aznamespaces.SenderClientOptions{ClientOptions: once}
	sender, err := aznamespaces.NewSenderClient(url, "default", credential, options)
	if err != nil {
		return queue{}, err
	}
	receiver, err := aznamespaces.NewReceiverClient(
		url, "default", "default", credential, &aznamespaces.ReceiverClientOptions{ClientOptions: once},
	)
	return queue{sender, receiver}, err
}

func newEvent(id string, data any, contentType *string) *messaging.CloudEvent {
	event, err := messaging.NewCloudEvent("/lab", "lab.reading", data, &messaging.CloudEventOptions{
		DataContentType: contentType,
		Extensions:      map[string]any{"site": "north"},
	})
	if err != nil {
		fail(err)
	}
	event.ID = id
	return &event
}

func exchange(ctx context.Context, of queue) (map[string]any, error) {
	named := func(id string) *messaging.CloudEvent {
		return newEvent(id, map[string]string{"name": id}, nil)
	}
	if _, err := of.sender.SendEvent(ctx, named("one"), nil); err != nil {
		return nil, err
	}
	batch := []*messaging.CloudEvent{named("two"), named("three")}
	if _, err := of.sender.SendEvents(ctx, batch, nil); err != nil {
		return nil, err
	}
	bytes := newEvent("four", []byte{0xfb, 0xff}, to.Ptr("application/octet-stream"))
	if _, err := of.sender.SendEvent(ctx, bytes, nil); err != nil {
		return nil, err
	}
	first, err := receive(ctx, of)
	if err != nil {
		return nil, err
	}
	if len(first) != 4 {
		return nil, fmt.Errorf("received %d events of 4", len(first))
	}
	settled, err := settle(ctx, of, tokensOf(first))
	if err != nil {
		return nil, err
	}
	second, err := receive(ctx, of)
	if err != nil {
		return nil, err
	}
	acknowledged, err := of.receiver.AcknowledgeEvents(ctx, tokensOf(second), nil)
	settled["rest"] = settlement(acknowledged.SucceededLockTokens, acknowledged.FailedLockTokens)
	return map[string]any{"first": summary(first), "second": summary(second), "done": settled}, err
}

func receive(ctx context.Context, of queue) ([]aznamespaces.ReceiveDetails, error) {
	received, err := of.receiver.ReceiveEvents(ctx, &aznamespaces.ReceiveEventsOptions{
		MaxEvents: to.Ptr[int32](10), MaxWaitTime: to.Ptr[int32](10),
	})
	return received.Details, err
}

// settle does to each event something else, and to the first the same once more.
func settle(ctx context.Context, of queue, tokens []string) (map[string]any, error) {
	renewed, err := of.receiver.RenewEventLocks(ctx, tokens[:1], nil)
	if err != nil {
		return nil, err
	}
	acknowledged, err := of.receiver.AcknowledgeEvents(ctx, []string{tokens[0], tokens[3]}, nil)
	if err != nil {
		return nil, err
	}
	rejected, err := of.receiver.RejectEvents(ctx, tokens[1:2], nil)
	if err != nil {
		return nil, err
	}
	released, err := of.receiver.ReleaseEvents(ctx, tokens[2:3], nil)
	if err != nil {
		return nil, err
	}
	again, err := of.receiver.AcknowledgeEvents(ctx, tokens[:1], nil)
	return map[string]any{
		"renew":       settlement(renewed.SucceededLockTokens, renewed.FailedLockTokens),
		"acknowledge": settlement(acknowledged.SucceededLockTokens, acknowledged.FailedLockTokens),
		"reject":      settlement(rejected.SucceededLockTokens, rejected.FailedLockTokens),
		"release":     settlement(released.SucceededLockTokens, released.FailedLockTokens),
		"again":       settlement(again.SucceededLockTokens, again.FailedLockTokens),
	}, err
}

func tokensOf(details []aznamespaces.ReceiveDetails) []string {
	tokens := []string{}
	for _, one := range details {
		tokens = append(tokens, *one.BrokerProperties.LockToken)
	}
	return tokens
}

// summary is id, data as text, extensions and delivery count of each event.
func summary(details []aznamespaces.ReceiveDetails) []any {
	events := []any{}
	for _, one := range details {
		data, _ := one.Event.Data.([]byte)
		count := *one.BrokerProperties.DeliveryCount
		events = append(events, []any{one.Event.ID, data, one.Event.Extensions, count})
	}
	return events
}

// settlement is how many lock tokens were taken, and why the others were not.
func settlement(succeeded []string, failed []aznamespaces.FailedLockToken) []any {
	reasons := []any{}
	for _, one := range failed {
		reasons = append(reasons, []any{*one.Error.Code, one.Error.Error()})
	}
	return []any{len(succeeded), reasons}
}

// refuseEvents does what the service refuses.
func refuseEvents(ctx context.Context, given namespacesGiven, of queue) error {
	options := &aznamespaces.SenderClientOptions{ClientOptions: once}
	key := azcore.NewKeyCredential(given.Key)
	wrong, err := keyQueue(given.URL, azcore.NewKeyCredential("wrong"))
	if err != nil {
		return err
	}
	nobody, err := stranger()
	if err != nil {
		return err
	}
	without, err := tokenQueue(given.URL, nobody)
	if err != nil {
		return err
	}
	nowhere, err := aznamespaces.NewSenderClientWithSharedKeyCredential(given.URL, "nowhere", key, options)
	if err != nil {
		return err
	}
	missing, err := aznamespaces.NewReceiverClientWithSharedKeyCredential(
		given.URL, "default", "missing", key, &aznamespaces.ReceiverClientOptions{ClientOptions: once},
	)
	if err != nil {
		return err
	}
	event := newEvent("x", "x", nil)
	large := newEvent("x", strings.Repeat("x", 1024*1024), nil)
	_, err = of.sender.SendEvent(ctx, &messaging.CloudEvent{}, nil)
	tell("no data", azureOutcome(err))
	_, err = wrong.sender.SendEvent(ctx, event, nil)
	tell("wrong key", azureOutcome(err))
	_, err = without.sender.SendEvent(ctx, event, nil)
	tell("token without a role", azureOutcome(err))
	_, err = of.sender.SendEvent(ctx, large, nil)
	tell("too large", azureOutcome(err))
	_, err = missing.ReceiveEvents(ctx, nil)
	tell("no such subscription", azureOutcome(err))
	_, err = nowhere.SendEvent(ctx, event, nil)
	tell("no such topic", azureOutcome(err))
	return nil
}

// refuseOrdered tells what the ordered rows are told as, and that a client as it comes repeats what was throttled.
func refuseOrdered(ctx context.Context, given namespacesGiven, of queue) error {
	event := newEvent("x", "x", nil)
	for _, row := range given.Ordered {
		if err := orderPublish(ctx, given, row); err != nil {
			return err
		}
		_, err := of.sender.SendEvent(ctx, event, nil)
		tell(row, azureOutcome(err))
	}
	key := azcore.NewKeyCredential(given.Key)
	patient, err := aznamespaces.NewSenderClientWithSharedKeyCredential(given.URL, "default", key, nil)
	if err != nil {
		return err
	}
	if err := orderPublish(ctx, given, "Throttled"); err != nil {
		return err
	}
	_, err = patient.SendEvent(ctx, event, nil)
	tell("repeated", azureOutcome(err))
	return nil
}

func orderPublish(ctx context.Context, given namespacesGiven, row string) error {
	return order(ctx, given.Control, "azure-event-grid-namespaces", "PublishCloudEvents", row)
}
