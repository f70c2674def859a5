// Package tillflow carries the pipeline's text files, so that the one binary can write them anywhere (`dag init`).
package tillflow

import "embed"

// Files are the pipeline as a shop edits it: the dagfile, its schema, migrations, seeds and reports.
//
//go:embed dagfile.yaml dagfile.schema.json sql/migrations seeds reports/*.md
var Files embed.FS
