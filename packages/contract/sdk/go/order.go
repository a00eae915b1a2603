package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
)

// order has the suite answer the next call of an operation with a row of its error table.
func order(ctx context.Context, control, personality, operation, row string) error {
	body, err := json.Marshal(map[string]string{
		"personality": personality, "operation": operation, "error": row,
	})
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, control+"/fail", bytes.NewReader(body))
	if err != nil {
		return err
	}
	reply, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	if reply.StatusCode != http.StatusNoContent {
		return fmt.Errorf("%s %s was not ordered: %s", operation, row, reply.Status)
	}
	return nil
}
