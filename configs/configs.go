// Package configs carries the built-in settings.
package configs

import _ "embed"

// Default is default.yaml: every key with its default and what it means.
//
//go:embed default.yaml
var Default []byte
