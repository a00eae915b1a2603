package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

const answerTime = 10 * time.Second

// mqttClient is one client: where it connects, and as whom.
type mqttClient struct {
	Name, URL, ClientID, Username, Password string
	// Cert and Key are PEM files.
	Cert, Key string
	// Topic is published to, and subscribed to; the message goes both ways.
	Topic string
	// Version is 3 for MQTT 3.1 and 4, the default, for 3.1.1.
	Version uint
}

// mqttClients lets each client publish a message to itself, and tells it as received, or why it was not let in.
func mqttClients(ctx context.Context) error {
	var given struct{ Clients []mqttClient }
	if err := read(&given); err != nil {
		return err
	}
	for _, client := range given.Clients {
		tell(client.Name, client.exchange(ctx))
	}
	return nil
}

func (of mqttClient) exchange(ctx context.Context) any {
	options, err := of.options()
	if err != nil {
		return err.Error()
	}
	client := mqtt.NewClient(options)
	if err := wait(client.Connect()); err != nil {
		return map[string]string{"refused": err.Error()}
	}
	defer client.Disconnect(0)
	messages := make(chan mqtt.Message, 1)
	subscribed := client.Subscribe(of.Topic, 1, func(_ mqtt.Client, message mqtt.Message) { messages <- message })
	if err := wait(subscribed); err != nil {
		return err.Error()
	}
	granted := subscribed.(*mqtt.SubscribeToken).Result()[of.Topic]
	if err := wait(client.Publish(of.Topic, 1, false, "on")); err != nil {
		return err.Error()
	}
	select {
	case message := <-messages:
		return map[string]any{
			"granted": granted,
			"topic":   message.Topic(),
			"payload": string(message.Payload()),
			"qos":     message.Qos(),
		}
	case <-time.After(answerTime):
		return "no message came"
	case <-ctx.Done():
		return ctx.Err().Error()
	}
}

func (of mqttClient) options() (*mqtt.ClientOptions, error) {
	options := mqtt.NewClientOptions().
		AddBroker(of.URL).
		SetClientID(of.ClientID).
		SetUsername(of.Username).
		SetPassword(of.Password).
		SetAutoReconnect(false).
		SetConnectRetry(false).
		SetConnectTimeout(answerTime)
	// Given a version, it does not fall back to the older one after a refusal.
	version := of.Version
	if version == 0 {
		version = 4
	}
	options.SetProtocolVersion(version)
	if of.Cert == "" {
		return options, nil
	}
	certificate, err := tls.LoadX509KeyPair(of.Cert, of.Key)
	if err != nil {
		return nil, err
	}
	return options.SetTLSConfig(&tls.Config{Certificates: []tls.Certificate{certificate}}), nil
}

// wait is the answer of the server, for which it does not wait for ever.
func wait(token mqtt.Token) error {
	if !token.WaitTimeout(answerTime) {
		return fmt.Errorf("no answer came within %s", answerTime)
	}
	return token.Error()
}
