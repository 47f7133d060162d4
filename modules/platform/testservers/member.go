package testservers

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Within runs start where a server belongs that must not be where this program is, such as in a network of its own.
type Within func(start func() error) error

// Place is where a server runs.
type Place struct {
	Dir    string // of its data
	Port   int    // 0: a free one
	Within Within // nil: where this program is
}

// StartMember starts MySQL, whatever kind is chosen, as one of several that will copy from each other: it has a name of its
// own, and options turn on what it needs for that. The error is ErrAbsent when this machine has no MySQL.
func StartMember(ctx context.Context, at Place, options ...string) (*MySQLServer, error) {
	found, err := find(ctx, KindMySQL)
	if err != nil {
		return nil, err
	}
	data := filepath.Join(at.Dir, "data")
	if err := found.fill(ctx, data); err != nil {
		return nil, err
	}
	if err := os.Remove(filepath.Join(data, "auto.cnf")); err != nil && !errors.Is(err, fs.ErrNotExist) { // the template's name
		return nil, err
	}
	port := at.Port
	if port == 0 {
		if port, err = freePort(ctx); err != nil {
			return nil, err
		}
	}
	s := &MySQLServer{found: found, data: data, port: port, process: process{path: found.server, logPath: filepath.Join(at.Dir, "server.log"),
		args: append(found.running(data, port), options...), within: at.Within}}
	err = s.Start(ctx)
	return s, err
}
