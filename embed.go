// Package tillflow carries the pipeline's text files, so that the one binary can write them anywhere.
package tillflow

import "embed"

// Files are the pipeline as a shop edits it: the dagfile, SQL, seeds and reports.
//
//go:embed dagfile.yaml sql/migrations sql/queries seeds reports/*.md
var Files embed.FS
