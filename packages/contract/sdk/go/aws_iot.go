package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/iotdataplane"
	"github.com/aws/aws-sdk-go-v2/service/iotdataplane/types"
	"github.com/aws/smithy-go"
)

type awsGiven struct {
	// URLs by scheme.
	URLs    map[string]string
	Control string
	// Rows of the error table by the code they stand for.
	Rows map[string]string
	// Modelled holds the codes that the service's model names, by operation.
	Modelled map[string][]string
}

// namedCall is one call and what its answer is called.
type namedCall struct {
	name string
	call func() (any, error)
}

// awsIot calls every operation, well and badly. The environment holds credentials, region and CA. For each scheme
// an MQTT client, `go http`, is connected, and subscribed to its own name, by whoever runs this.
func awsIot(ctx context.Context) error {
	var given awsGiven
	if err := read(&given); err != nil {
		return err
	}
	settings, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return err
	}
	for scheme, url := range given.URLs {
		name := "go " + scheme
		client := iotdataplane.NewFromConfig(settings, func(options *iotdataplane.Options) {
			options.BaseEndpoint = aws.String(url)
		})
		answers := map[string]any{}
		for _, one := range wellFormed(ctx, client, name) {
			output, err := one.call()
			if err != nil {
				return fmt.Errorf("%s: %w", one.name, err)
			}
			answers[one.name] = plain(output)
		}
		refusals, err := refuse(ctx, client, given)
		if err != nil {
			return err
		}
		tell(name, map[string]any{"answers": answers, "refusals": refusals})
	}
	return nil
}

// wellFormed is one call of each operation, in the order in which they succeed.
func wellFormed(ctx context.Context, client *iotdataplane.Client, name string) []namedCall {
	topic, device := aws.String(name+"/line1"), aws.String(name)
	thing, shadow := aws.String(strings.ReplaceAll(name, " ", "-")), aws.String("night")
	getConnection := func(withSocket bool) func() (any, error) {
		return func() (any, error) {
			return client.GetConnection(ctx, &iotdataplane.GetConnectionInput{
				ClientId: device, IncludeSocketInformation: withSocket,
			})
		}
	}
	return []namedCall{
		{"Publish", func() (any, error) {
			return client.Publish(ctx, &iotdataplane.PublishInput{
				Topic:                  topic,
				Qos:                    1,
				Retain:                 true,
				Payload:                []byte(`{"temp":21}`),
				ContentType:            aws.String("application/json"),
				ResponseTopic:          aws.String("r/t"),
				CorrelationData:        aws.String("YWJj"),
				UserProperties:         aws.String(`[{"deviceName":"alpha"},{"deviceCnt":"45"}]`),
				MessageExpiry:          60,
				PayloadFormatIndicator: types.PayloadFormatIndicatorUtf8Data,
			})
		}},
		{"GetRetainedMessage", func() (any, error) {
			return client.GetRetainedMessage(ctx, &iotdataplane.GetRetainedMessageInput{Topic: topic})
		}},
		{"ListRetainedMessages", func() (any, error) {
			return client.ListRetainedMessages(ctx, &iotdataplane.ListRetainedMessagesInput{})
		}},
		{"delete retained", func() (any, error) {
			return client.Publish(ctx, &iotdataplane.PublishInput{Topic: topic, Retain: true})
		}},
		{"UpdateThingShadow", func() (any, error) {
			return client.UpdateThingShadow(ctx, &iotdataplane.UpdateThingShadowInput{
				ThingName: thing, ShadowName: shadow, Payload: []byte(`{"state":{"desired":{"dim":5}}}`),
			})
		}},
		{"GetThingShadow", func() (any, error) {
			return client.GetThingShadow(ctx, &iotdataplane.GetThingShadowInput{
				ThingName: thing, ShadowName: shadow,
			})
		}},
		{"ListNamedShadowsForThing", func() (any, error) {
			return client.ListNamedShadowsForThing(ctx, &iotdataplane.ListNamedShadowsForThingInput{
				ThingName: thing,
			})
		}},
		{"DeleteThingShadow", func() (any, error) {
			return client.DeleteThingShadow(ctx, &iotdataplane.DeleteThingShadowInput{
				ThingName: thing, ShadowName: shadow,
			})
		}},
		{"GetConnection", getConnection(true)},
		{"ListSubscriptions", func() (any, error) {
			return client.ListSubscriptions(ctx, &iotdataplane.ListSubscriptionsInput{ClientId: device})
		}},
		{"SendDirectMessage", func() (any, error) {
			return client.SendDirectMessage(ctx, &iotdataplane.SendDirectMessageInput{
				ClientId: device, Topic: aws.String("direct"), Payload: []byte("hi"), Confirmation: true,
			})
		}},
		{"DeleteConnection", func() (any, error) {
			return client.DeleteConnection(ctx, &iotdataplane.DeleteConnectionInput{
				ClientId: device, CleanSession: true,
			})
		}},
		{"gone", getConnection(false)},
	}
}

// refuse has each modelled error ordered, and answers what each is told as, by operation and code.
func refuse(ctx context.Context, client *iotdataplane.Client, given awsGiven) (map[string]any, error) {
	told := map[string]any{}
	for _, one := range wellFormed(ctx, client, "a") {
		codes, isOperation := given.Modelled[one.name]
		if !isOperation {
			continue
		}
		refusals := map[string]any{}
		for _, code := range codes {
			if err := order(ctx, given.Control, "aws-iot", one.name, given.Rows[code]); err != nil {
				return nil, err
			}
			_, err := one.call()
			refusals[code] = awsRefusal(err)
		}
		told[one.name] = refusals
	}
	return told, nil
}

// awsRefusal is the type by which the SDK knows an error, its message and status.
func awsRefusal(err error) any {
	var modelled smithy.APIError
	var response *awshttp.ResponseError
	if !errors.As(err, &modelled) || !errors.As(err, &response) {
		return fmt.Sprint(err)
	}
	kind := strings.TrimPrefix(fmt.Sprintf("%T", modelled), "*types.")
	return []any{kind, modelled.ErrorMessage(), response.HTTPStatusCode()}
}

// plain is an answer under the names of the service's model; the document of a shadow is read.
func plain(output any) any {
	switch shadow := output.(type) {
	case *iotdataplane.UpdateThingShadowOutput:
		return map[string]any{"payload": json.RawMessage(shadow.Payload)}
	case *iotdataplane.GetThingShadowOutput:
		return map[string]any{"payload": json.RawMessage(shadow.Payload)}
	case *iotdataplane.DeleteThingShadowOutput:
		return map[string]any{"payload": json.RawMessage(shadow.Payload)}
	}
	text, err := json.Marshal(output)
	if err != nil {
		return err.Error()
	}
	var fields any
	if err := json.Unmarshal(text, &fields); err != nil {
		return err.Error()
	}
	return toModelNames(fields)
}

var untold = regexp.MustCompile("(Since|Port)$")

func toModelNames(value any) any {
	switch value := value.(type) {
	case []any:
		for index, item := range value {
			value[index] = toModelNames(item)
		}
	case map[string]any:
		named := map[string]any{}
		for name, field := range value {
			// The SDK has no other way to say that a time or a port was not told.
			isUntold := field == nil || field == 0.0 && untold.MatchString(name)
			if !isUntold && name != "ResultMetadata" && name != "TraceId" {
				named[strings.ToLower(name[:1])+name[1:]] = toModelNames(field)
			}
		}
		return named
	}
	return value
}
