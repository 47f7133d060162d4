package httpserver

import _ "embed"

//go:embed api.yaml
var description []byte

// API is the part of the API description that all modules share, in YAML.
func API() []byte { return description }
