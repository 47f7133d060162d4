package main

import (
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"mall/cmd/faults/internal/checker"
)

// Every bug can still be planted: its places are there, its fault exists, and what comes of it is Go.
func TestEveryBugCanBePlanted(t *testing.T) {
	names := map[string]bool{}
	for _, p := range plants() {
		t.Run(p.name, func(t *testing.T) {
			if names[p.name] || len(p.expect) == 0 || len(p.edits) == 0 {
				t.Error("every bug has a name of its own, a place, and something that it is caught as")
			}
			names[p.name] = true
			if !slices.ContainsFunc(faults(), func(f fault) bool { return f.name == p.fault }) {
				t.Errorf("no fault is called %q", p.fault)
			}
			texts := map[string]string{}
			for _, e := range p.edits {
				before, ok := texts[e.file]
				text := []byte(before)
				if !ok {
					text, _ = os.ReadFile(filepath.Join("..", "..", e.file)) // nil where there is none
				}
				after, err := e.in(text)
				if err != nil {
					t.Fatal(err)
				}
				texts[e.file] = after
			}
			for file, text := range texts {
				if _, err := parser.ParseFile(token.NewFileSet(), file, text, parser.SkipObjectResolution); strings.HasSuffix(file, ".go") && err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func TestAPlaceThatIsGoneIsAnError(t *testing.T) {
	tree := t.TempDir()
	path := filepath.Join(tree, "a.go")
	const text = "one two two"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, e := range map[string]edit{
		"not there":         {"a.go", "three", "four"},
		"there twice":       {"a.go", "two", "three"},
		"file not there":    {"b.go", "one", "two"},
		"file there before": {"a.go", "", "new"},
	} {
		p := plant{edits: []edit{{"a.go", "one", "1"}, {"new.go", "", "package new"}, e}}
		if _, err := p.apply(tree); err == nil {
			t.Errorf("%s: planted", name)
		}
		left, _ := os.ReadDir(tree)
		if now, err := os.ReadFile(path); err != nil || string(now) != text || len(left) != 1 {
			t.Errorf("%s: left behind %q and %d files, %v", name, now, len(left), err)
		}
	}
	restore, err := plant{edits: []edit{{"a.go", "one", "1"}, {"a.go", "1 two", "2"}, {"new.go", "", "package new"}}}.apply(tree)
	if now, _ := os.ReadFile(path); err != nil || string(now) != "2 two" {
		t.Errorf("planted %q, %v", now, err)
	}
	if err := restore(); err != nil {
		t.Error(err)
	}
	if now, _ := os.ReadFile(path); string(now) != text {
		t.Errorf("restored %q", now)
	}
}

func TestABugMustBeCaughtAsExpected(t *testing.T) {
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = out.Close() }()
	lost := result{name: "f", found: []checker.Violation{{Kind: checker.Lost}, {Kind: checker.Late}}}
	for name, c := range map[string]struct {
		p    plant
		r    result
		want bool
	}{
		"as expected":             {plant{fault: "f", expect: []checker.Kind{checker.Doubled, checker.Lost}}, lost, true},
		"as something else":       {plant{fault: "f", expect: []checker.Kind{checker.Doubled}}, lost, false},
		"not at all":              {plant{fault: "f", expect: []checker.Kind{checker.Lost}}, result{}, false},
		"not planted, and blamed": {plant{}, lost, false},
		"not planted, and good":   {plant{}, result{}, true},
	} {
		if got := c.p.line(out, c.r); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
