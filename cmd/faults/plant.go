package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// apply plants the bug; restore takes it out again. A place that is not there exactly once is an error: then the mall has
// changed, and the bug must be planted elsewhere.
func (p plant) apply(tree string) (restore func() error, err error) {
	before := map[string][]byte{} // nil: the file is ours
	restore = func() (err error) {
		for file, text := range before {
			if text == nil {
				err = errors.Join(err, os.Remove(file))
			} else {
				err = errors.Join(err, os.WriteFile(file, text, 0o600))
			}
		}
		return err
	}
	for _, e := range p.edits {
		file := filepath.Join(tree, e.file)
		text, err := os.ReadFile(file)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return restore, err
		}
		if _, seen := before[file]; !seen {
			before[file] = text
		}
		changed, err := e.in(text)
		if err != nil {
			return restore, errors.Join(err, restore())
		}
		if err := os.WriteFile(file, []byte(changed), 0o600); err != nil {
			return restore, err
		}
	}
	return restore, nil
}

// in makes the edit in a file's text, nil for none.
func (e edit) in(text []byte) (string, error) {
	switch {
	case e.old == "" && text == nil:
		return e.new, nil
	case e.old == "":
		return "", fmt.Errorf("%s is there already", e.file)
	case strings.Count(string(text), e.old) != 1:
		return "", fmt.Errorf("%s has %d times what is to be replaced once: %q", e.file, strings.Count(string(text), e.old), e.old)
	}
	return strings.Replace(string(text), e.old, e.new, 1), nil
}

// leftOut are folders that a build does not need.
var leftOut = []string{".git", ".cache", "node_modules", "bin", "mall-data"}

// copyTree copies the source tree.
func copyTree(from, to string) error {
	tree := os.DirFS(from)
	return fs.WalkDir(tree, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		target := filepath.Join(to, path)
		switch {
		case d.IsDir() && slices.Contains(leftOut, d.Name()):
			return filepath.SkipDir
		case d.IsDir():
			return os.MkdirAll(target, 0o750)
		case !d.Type().IsRegular():
			return nil
		}
		text, err := fs.ReadFile(tree, path)
		if err != nil {
			return err
		}
		return os.WriteFile(target, text, 0o600)
	})
}
