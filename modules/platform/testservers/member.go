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

// StartMember starts a server of a kind, whichever is chosen, as one of several that will copy from each other: it has a name
// of its own, and options turn on what it needs for that. The error is ErrAbsent when this machine has no such server.
func StartMember(ctx context.Context, kind Kind, at Place, options ...string) (*MySQLServer, error) {
	found, err := find(ctx, kind)
	if err != nil {
		return nil, err
	}
	data := filepath.Join(at.Dir, "data")
	if err := found.fill(ctx, data); err != nil {
		return nil, err
	}
	if err := os.Remove(filepath.Join(data, "auto.cnf")); err != nil && !errors.Is(err, fs.ErrNotExist) { // the template's name, of MySQL's
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

// Empty gives a server that does not run the data of one that never has.
func (s *MySQLServer) Empty(ctx context.Context) error {
	if s.PID() != 0 {
		return errors.New("testservers: a server that runs cannot be emptied")
	}
	if err := os.RemoveAll(s.data); err != nil {
		return err
	}
	return s.found.fill(ctx, s.data)
}
