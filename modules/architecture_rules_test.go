package modules_test

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A rule looks at the whole tree and names each breach: where, what, and what to do instead.
type rule struct {
	name  string
	check func(house) []string
}

var rules = []rule{
	{"arrows run down only", arrows},
	{"a module is used through its face", faces},
	{"each library has its home", libraries},
	{"no init functions", noInit},
	{"package names say something", names},
	{"the top level is the customer's", top},
	{"migrations keep to their owner", migrationOwners},
	{"migrations exist for both databases", migrationPairs},
	{"queries keep to their module's tables", queries},
	{"dependencies are written down", dependencies},
	{"pages lead somewhere", pages},
}

func arrows(h house) (breaches []string) {
	for _, f := range h.files {
		from := part(f.path)
		allowed, known := mayImport[from]
		if !known {
			breaches = append(breaches, fmt.Sprintf("%s: %q has no row in mayImport; add one that says what it may import", f.path, from))
			continue
		}
		for _, i := range f.imports {
			path, ours := strings.CutPrefix(i.path, "mall/")
			to := part(path + "/x.go")
			if !ours || to == from || slices.Contains(allowed, to) || f.test && slices.Contains(testsMayImport, to) {
				continue
			}
			breaches = append(breaches, fmt.Sprintf(
				"%s:%d: %s may not import %s; declare the interface you need in the file that uses it, and let modules/mall pass it in",
				f.path, i.line, from, i.path))
		}
	}
	return breaches
}

func faces(h house) (breaches []string) {
	for _, f := range h.files {
		for _, i := range f.imports {
			to, ours := strings.CutPrefix(i.path, "mall/modules/")
			module, below, deep := strings.Cut(to, "/")
			if !ours || !deep || module == "platform" || part(f.path) == module {
				continue
			}
			if importers, beside := besideFaces["modules/"+to]; beside && (f.test || slices.Contains(importers, part(f.path))) {
				continue
			}
			breaches = append(breaches, fmt.Sprintf(
				"%s:%d: %s is inside module %s; use the package modules/%s, and export there what is missing (not %s)",
				f.path, i.line, i.path, module, module, below))
		}
	}
	return breaches
}

func libraries(h house) (breaches []string) {
	for _, f := range h.files {
		for _, i := range f.imports {
			for _, l := range homes {
				if !isOrBelow(i.path, l.library) || liesIn(f.path, l.in) || f.test && liesIn(f.path, l.inTests) {
					continue
				}
				breaches = append(breaches, fmt.Sprintf("%s:%d: %s is at home in %s; %s",
					f.path, i.line, i.path, strings.Join(l.in, ", "), l.instead))
			}
		}
	}
	return breaches
}

func noInit(h house) (breaches []string) {
	for _, f := range h.files {
		for _, line := range f.inits {
			breaches = append(breaches, fmt.Sprintf(
				"%s:%d: init() runs whether or not anyone asked; make it a function that modules/mall calls", f.path, line))
		}
	}
	return breaches
}

func names(h house) (breaches []string) {
	for _, f := range h.files {
		for _, n := range []string{f.pkg, path.Base(path.Dir(f.path))} {
			if slices.Contains(emptyNames, n) {
				breaches = append(breaches, fmt.Sprintf(
					"%s: the name %q keeps nothing out; name the package after what it gives", f.path, n))
				break
			}
		}
	}
	return breaches
}

func top(h house) (breaches []string) {
	for _, e := range h.top {
		if !strings.HasPrefix(e, ".") && !slices.Contains(topLevel, e) {
			breaches = append(breaches, fmt.Sprintf(
				"%s: the top level is fixed (%s); put it below one of these", e, strings.Join(topLevel, " ")))
		}
	}
	return breaches
}

var (
	migrationName = regexp.MustCompile(`^(\d{4})_([a-z]+)_[a-z0-9_]+\.sql$`)
	sqlTable      = regexp.MustCompile("(?i)\\b(?:(?:CREATE|ALTER|DROP|TRUNCATE)\\s+TABLE|INTO|UPDATE|FROM|JOIN|REFERENCES|INDEX\\s+\\S+\\s+ON)" +
		"\\s+(?:IF\\s+(?:NOT\\s+)?EXISTS\\s+)?[`\"]?([a-z][a-z0-9]*_[a-z0-9_]+)")
)

func numbers(of []span) string {
	texts := make([]string, len(of))
	for i, s := range of {
		texts[i] = fmt.Sprintf("%04d to %04d", s.first, s.last)
	}
	return strings.Join(texts, ", ")
}

func migrationOwners(h house) (breaches []string) {
	for _, m := range h.migrations {
		say := func(format string, args ...any) {
			breaches = append(breaches, m.path+": "+fmt.Sprintf(format, args...))
		}
		name := migrationName.FindStringSubmatch(path.Base(m.path))
		if name == nil {
			say("name it NNNN_module_what.sql")
			continue
		}
		number, _ := strconv.Atoi(name[1])
		owner, known := owners[name[2]]
		switch {
		case !known:
			say("%q owns no tables; the owners are the rows of the table owners", name[2])
		case !slices.ContainsFunc(owner, func(s span) bool { return number >= s.first && number <= s.last }):
			say("%s's numbers are %s", name[2], numbers(owner))
		}
		if m.up == "" || m.down == "" {
			say("give it a -- +goose Up part and a -- +goose Down part that undoes it")
		}
		if n := len(statements(m.up)); n > 1 && strings.Contains(m.path, "/mysql/") {
			say("%d statements in Up; MySQL commits at each, so give each a file of its own", n)
		}
		for _, table := range sqlTable.FindAllStringSubmatch(m.up+"\n"+m.down, -1) {
			if !strings.HasPrefix(table[1], name[2]+"_") {
				say("table %s is not %s's; tables carry their owner's prefix, and no foreign key crosses modules", table[1], name[2])
			}
		}
	}
	return breaches
}

func migrationPairs(h house) (breaches []string) {
	have := map[string]bool{}
	for _, m := range h.migrations {
		have[m.path] = true
	}
	for _, m := range h.migrations {
		twin := strings.Replace(m.path, "/mysql/", "/sqlite/", 1)
		if twin == m.path {
			twin = strings.Replace(m.path, "/sqlite/", "/mysql/", 1)
		}
		if !have[twin] {
			breaches = append(breaches, m.path+": the other database lacks it; add "+twin)
		}
	}
	return breaches
}

// queries looks at the text of every string in a module's programs that reads like SQL, and at the names gorm is given.
func queries(h house) (breaches []string) {
	for _, f := range h.files {
		own := part(f.path)
		if _, owns := owners[own]; !owns || f.test || f.generated {
			continue
		}
		for _, s := range f.strings {
			tables := sqlTable.FindAllStringSubmatch(s.text, -1)
			if s.namesTable {
				tables = append(tables, []string{"", s.text})
			}
			for _, table := range tables {
				owner, _, _ := strings.Cut(table[1], "_")
				if _, isTable := owners[owner]; isTable && owner != own {
					breaches = append(breaches, fmt.Sprintf(
						"%s:%d: table %s is module %s's; ask that module for many ids in one call", f.path, s.line, table[1], owner))
				}
			}
		}
	}
	return breaches
}

var (
	goRequire = regexp.MustCompile(`(?m)^(?:require)?\s+([a-z0-9.]+\.[a-z]+/\S+) v(\S+)$`) // direct ones: no comment follows
	goModule  = regexp.MustCompile(`(?m)^\t(\S+) v`)
	goTool    = regexp.MustCompile(`(?m)^\t([a-z0-9.]+\.[a-z]+/\S+?)(?:/cmd/\S+)?$`)
	// A row of a table: its first cell, then a version.
	dependencyRow = regexp.MustCompile(`(?m)^\| ([^|]+) \| \d`)
	npmPackage    = regexp.MustCompile(`(?m)^    "(@?[a-z][a-z0-9@/-]*)": "(\d[^"]*)"`)
)

// dependencies compares the tables of docs/dependencies.md with what the project depends on directly, both ways.
func dependencies(h house) (breaches []string) {
	const page = "docs/dependencies.md"
	direct := map[string]bool{}
	demand := func(where, name, version string) {
		direct[name] = true
		for line := range strings.Lines(h.texts[page]) {
			if words := strings.FieldsFunc(line, isBreak); slices.Contains(words, name) && slices.Contains(words, version) {
				return
			}
		}
		breaches = append(breaches, fmt.Sprintf(
			"%s: no row of %s has %s with version %s; say there what it is for and what else was looked at", where, page, name, version))
	}
	for _, m := range goRequire.FindAllStringSubmatch(h.texts["go.mod"], -1) {
		demand("go.mod", m[1], m[2])
	}
	for _, file := range []string{"web/package.json", ".tools/node/package.json", ".tools/lint-api/package.json"} {
		for _, m := range npmPackage.FindAllStringSubmatch(h.texts[file], -1) {
			demand(file, m[1], m[2])
		}
	}
	tools := h.texts[".tools/go.mod"]
	for _, m := range goTool.FindAllStringSubmatch(tools, -1) {
		version := regexp.MustCompile(`(?m)^\s` + regexp.QuoteMeta(m[1]) + ` v(\S+)`).FindStringSubmatch(tools)
		if version != nil {
			demand(".tools/go.mod", m[1], version[1])
		}
	}
	for _, m := range goModule.FindAllStringSubmatch(h.texts["go.mod"], -1) {
		direct[m[1]] = true // also while a tidy is due
	}
	tables, _, _ := strings.Cut(h.texts[page], "## On the machine")
	for _, m := range dependencyRow.FindAllStringSubmatch(tables, -1) {
		for name := range strings.SplitSeq(m[1], ", ") {
			if !direct[name] {
				breaches = append(breaches, fmt.Sprintf("%s: the project does not depend on %s (any more); take it out", page, name))
			}
		}
	}
	return breaches
}

func isBreak(r rune) bool { return strings.ContainsRune(" ,|\n", r) }

// part names the row of mayImport that a file belongs to: its module, or its program.
func part(file string) string {
	dir := path.Dir(file)
	names := strings.Split(dir, "/")
	switch {
	case dir == "modules":
		return "modules (test)"
	case names[0] == "modules":
		return names[1]
	case names[0] == "cmd" && len(names) > 1:
		return "cmd/" + names[1]
	case dir == "web/e2e/stack":
		return dir
	default:
		return names[0]
	}
}

// isOrBelow reports whether an import path is the library or a package of it.
func isOrBelow(importPath, library string) bool {
	return importPath == library || strings.HasPrefix(importPath, strings.TrimSuffix(library, "/")+"/")
}

// liesIn reports whether the file is one of the places or in one of them.
func liesIn(file string, places []string) bool {
	names := strings.Split(file, "/")
	return slices.ContainsFunc(places, func(place string) bool {
		depth := strings.Count(place, "/") + 1
		if depth > len(names) {
			return false
		}
		ok, err := path.Match(place, strings.Join(names[:depth], "/"))
		return ok && err == nil
	})
}
