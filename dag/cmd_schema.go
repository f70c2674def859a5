package main

import (
	"context"

	"tillflow/dag/spec"
	"tillflow/jobs"
)

// cmdSchema writes the JSON schema of a dagfile, or of one key of it.
func cmdSchema(_ context.Context, c *call) error {
	schema := spec.Schema(jobs.Specs())
	switch len(c.args) {
	case 0:
	case 1:
		var err error
		if schema, err = spec.SchemaOf(jobs.Specs(), c.args[0]); err != nil {
			return usagef("%w", err)
		}
	default:
		return usagef("unexpected %q", c.args[1])
	}
	text, err := schema.Text()
	if err != nil {
		return err
	}
	_, err = c.stdout.Write(text)
	return err
}
