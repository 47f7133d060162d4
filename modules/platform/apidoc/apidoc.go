// Package apidoc makes one OpenAPI description of the modules' parts.
package apidoc

import (
	"encoding/json"
	"fmt"

	"go.yaml.in/yaml/v3"
)

// Merge joins parts (YAML) into one description (JSON, keys sorted). The first part brings everything;
// the others add paths and components. The same path or component in two parts is an error, so that
// no module silently replaces another's.
func Merge(base []byte, parts ...[]byte) ([]byte, error) {
	var doc map[string]any
	if err := yaml.Unmarshal(base, &doc); err != nil {
		return nil, fmt.Errorf("apidoc: base: %w", err)
	}
	for i, raw := range parts {
		var part struct {
			Paths      map[string]any
			Components map[string]map[string]any
		}
		if err := yaml.Unmarshal(raw, &part); err != nil {
			return nil, fmt.Errorf("apidoc: part %d: %w", i+1, err)
		}
		if err := add(section(doc, "paths"), part.Paths); err != nil {
			return nil, fmt.Errorf("apidoc: part %d: path %w", i+1, err)
		}
		for name, entries := range part.Components {
			if err := add(section(section(doc, "components"), name), entries); err != nil {
				return nil, fmt.Errorf("apidoc: part %d: components/%s %w", i+1, name, err)
			}
		}
	}
	return json.MarshalIndent(doc, "", " ")
}

// JSON turns one description from YAML into JSON.
func JSON(text []byte) ([]byte, error) {
	var doc map[string]any
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, fmt.Errorf("apidoc: %w", err)
	}
	return json.MarshalIndent(doc, "", " ")
}

func section(m map[string]any, key string) map[string]any {
	s, ok := m[key].(map[string]any)
	if !ok {
		s = map[string]any{}
		m[key] = s
	}
	return s
}

func add(to, from map[string]any) error {
	for k, v := range from {
		if _, there := to[k]; there {
			return fmt.Errorf("%q is described twice", k)
		}
		to[k] = v
	}
	return nil
}
