package chat

import _ "embed"

//go:embed api.yaml
var description []byte

//go:embed asyncapi.yaml
var asyncDescription []byte

// API is the module's part of the API description, in YAML.
func API() []byte { return description }

// AsyncAPI describes the socket, in YAML.
func AsyncAPI() []byte { return asyncDescription }
