package chat

import (
	_ "embed"

	"mall/modules/chat/internal/store"
	"mall/modules/platform/db"
)

//go:embed api.yaml
var description []byte

//go:embed asyncapi.yaml
var asyncDescription []byte

// API is the module's part of the API description, in YAML.
func API() []byte { return description }

// AsyncAPI describes the socket, in YAML.
func AsyncAPI() []byte { return asyncDescription }

// Keys are those that the database must have for the chat's promises to hold.
func Keys() []db.Key { return store.Keys() }
