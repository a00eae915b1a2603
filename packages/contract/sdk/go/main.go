// Each vendor's SDK for Go, against a suite that somebody else started.
//
// The first argument names what to do. All but flows read one JSON object, and print one line of JSON for each
// thing that they did: its name and what came of it.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"
)

const limit = 60 * time.Second

func main() {
	programs := map[string]func(context.Context) error{
		"flows":      flows,
		"aws-iot":    awsIot,
		"identity":   identity,
		"mqtt":       mqttClients,
		"namespaces": namespaces,
		"topics":     topics,
	}
	if len(os.Args) < 2 || programs[os.Args[1]] == nil {
		fail(fmt.Errorf("name one of the programs; %q is none", os.Args[1:]))
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	if err := programs[os.Args[1]](ctx); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// read takes what the program is given from its standard input.
func read(given any) error {
	return json.NewDecoder(os.Stdin).Decode(given)
}

// tell prints what came of one call.
func tell(name string, outcome any) {
	printLine(map[string]any{"name": name, "outcome": outcome})
}

func printLine(line any) {
	if err := json.NewEncoder(os.Stdout).Encode(line); err != nil {
		fail(err)
	}
}
