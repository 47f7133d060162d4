// Command apigen writes the merged OpenAPI description, from which code is generated. It reads the
// modules' parts from the source tree, so that it also runs while the generated code is missing.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"mall/modules/platform/apidoc"
)

func main() {
	out := flag.String("o", "openapi.json", "where to write the description")
	root := flag.String("root", ".", "the repository")
	flag.Parse()
	if err := run(*root, *out); err != nil {
		fmt.Fprintln(os.Stderr, "apigen:", err)
		os.Exit(1)
	}
}

func run(root, out string) error {
	var parts [][]byte
	for _, p := range []string{"platform/httpserver", "member", "product", "order", "chat", "records"} {
		b, err := os.ReadFile(filepath.Join(root, "modules", p, "api.yaml"))
		if err != nil {
			return err
		}
		parts = append(parts, b)
	}
	doc, err := apidoc.Merge(parts[0], parts[1:]...)
	if err != nil {
		return err
	}
	return os.WriteFile(out, doc, 0o600)
}
