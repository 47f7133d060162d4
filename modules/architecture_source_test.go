package modules_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// A house is what the rules look at: every Go file, every migration, the names at the top, the lists of dependencies.
type house struct {
	top        []string
	files      []file
	migrations []migration
	texts      map[string]string // the files that say what the mall depends on
	pages      map[string]string // of the documentation
	exists     func(path string) bool
}

type file struct {
	path      string
	pkg       string
	test      bool
	generated bool
	imports   []at
	inits     []int
	strings   []literal
}

type at struct {
	path string
	line int
}

type literal struct {
	text       string
	line       int
	namesTable bool // given to gorm as the name of a table
}

type migration struct{ path, up, down string }

// notOurs holds no source of the project's: other people's packages, built files, synthetic sources of tests.
var notOurs = map[string]bool{"node_modules": true, "testdata": true, "dist": true}

func read(t *testing.T, tree fs.FS) house {
	t.Helper()
	h := house{pages: map[string]string{}}
	h.exists = func(path string) bool { _, err := fs.Stat(tree, path); return err == nil }
	err := fs.WalkDir(tree, ".", func(p string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case p != "." && e.IsDir() && (strings.HasPrefix(e.Name(), ".") || notOurs[e.Name()]):
			return fs.SkipDir
		case path.Ext(p) == ".go":
			f, err := readGo(tree, p)
			h.files = append(h.files, f)
			return err
		case path.Ext(p) == ".sql" && strings.HasPrefix(p, "migrations/"):
			m, err := readSQL(tree, p)
			h.migrations = append(h.migrations, m)
			return err
		case path.Ext(p) == ".md":
			text, err := fs.ReadFile(tree, p)
			h.pages[p] = string(text)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	h.texts = map[string]string{}
	for _, p := range []string{"go.mod", ".tools/go.mod", "web/package.json", ".tools/node/package.json", ".tools/lint-api/package.json", "docs/dependencies.md"} {
		if text, err := fs.ReadFile(tree, p); err == nil {
			h.texts[p] = string(text)
		}
	}
	entries, err := fs.ReadDir(tree, ".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		h.top = append(h.top, e.Name())
	}
	return h
}

func readGo(tree fs.FS, name string) (file, error) {
	text, err := fs.ReadFile(tree, name)
	if err != nil {
		return file{}, err
	}
	set := token.NewFileSet()
	parsed, err := parser.ParseFile(set, name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return file{}, err
	}
	line := func(n ast.Node) int { return set.Position(n.Pos()).Line }
	f := file{path: name, pkg: parsed.Name.Name, test: strings.HasSuffix(name, "_test.go"), generated: ast.IsGenerated(parsed)}
	for _, i := range parsed.Imports {
		f.imports = append(f.imports, at{unquote(i.Path), line(i)})
	}
	tables := map[ast.Node]bool{}
	ast.Inspect(parsed, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			if n.Name.Name == "init" && n.Recv == nil {
				f.inits = append(f.inits, line(n))
			}
			if n.Name.Name == "TableName" {
				ast.Inspect(n, func(inner ast.Node) bool { tables[inner] = true; return true })
			}
		case *ast.CallExpr:
			if s, ok := n.Fun.(*ast.SelectorExpr); ok && s.Sel.Name == "Table" && len(n.Args) > 0 {
				tables[n.Args[0]] = true
			}
		case *ast.BasicLit:
			if n.Kind == token.STRING {
				f.strings = append(f.strings, literal{unquote(n), line(n), tables[n]})
			}
		}
		return true
	})
	return f, nil
}

func unquote(l *ast.BasicLit) string {
	s, err := strconv.Unquote(l.Value)
	if err != nil {
		return l.Value
	}
	return s
}

var (
	sqlComment = regexp.MustCompile(`--.*`)
	sqlQuoted  = regexp.MustCompile(`'(?:[^']|'')*'`)
)

// readSQL splits a migration into its halves, without comments and quoted text.
func readSQL(tree fs.FS, name string) (migration, error) {
	text, err := fs.ReadFile(tree, name)
	if err != nil {
		return migration{}, err
	}
	_, rest, _ := strings.Cut(string(text), "-- +goose Up")
	up, down, _ := strings.Cut(rest, "-- +goose Down")
	bare := func(s string) string {
		return strings.TrimSpace(sqlQuoted.ReplaceAllString(sqlComment.ReplaceAllString(s, ""), "''")) // an apostrophe in a comment quotes nothing
	}
	return migration{name, bare(up), bare(down)}, nil
}

// statements splits SQL at its semicolons.
func statements(sql string) (all []string) {
	for s := range strings.SplitSeq(sql, ";") {
		if s = strings.TrimSpace(s); s != "" {
			all = append(all, s)
		}
	}
	return all
}
