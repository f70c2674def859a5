// Package tillflow carries the pipeline's text files, so that the one binary can write them anywhere (`dag init`).
package tillflow

import "embed"

// Files are the pipeline as a shop edits it: the dagfile, its schema, seeds and reports. Migrations are not among
// them: those of the engine and its jobs always come from the program, or a copy would hold a newer one back.
//
//go:embed dagfile.yaml dagfile.schema.json seeds reports/*.md
var Files embed.FS
