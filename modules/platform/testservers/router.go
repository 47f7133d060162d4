package testservers

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"text/template"

	_ "embed"
)

// MySQLRouter is a private MySQL Router before the members of a group: who connects to it is led to the primary.
type MySQLRouter struct {
	process
	port int
}

// RouterOptions say what a Router stands before.
type RouterOptions struct {
	Group   string   // the group's UUID
	Cluster string   // its name in the metadata
	Members []string // their addresses
	User    string   // with whose name it reads the metadata; the password is the same
}

//go:embed router.conf
var routerConf string

// StartMySQLRouter starts MySQL Router in dir. It follows the group by the metadata that it finds in the members' schema
// mysql_innodb_cluster_metadata. The error is ErrAbsent when this machine has none.
func StartMySQLRouter(ctx context.Context, dir string, o RouterOptions) (*MySQLRouter, error) {
	path, err := lookUp(fetched("mysql/bin/mysqlrouter"), "mysqlrouter")
	if err != nil {
		return nil, err
	}
	keyring, err := lookUp(fetched("mysql/bin/mysqlrouter_keyring"), "mysqlrouter_keyring")
	if err != nil {
		return nil, err
	}
	dir, err = filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	port, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	r := &MySQLRouter{port: port, process: process{path: path, logPath: filepath.Join(dir, "router.log"), args: []string{"-c", filepath.Join(dir, "router.conf")}}}
	if err := r.prepare(ctx, dir, keyring, o); err != nil {
		return nil, err
	}
	err = r.launch()
	return r, err
}

// prepare writes all that Router reads: its configuration, where the members are, and the password, which it takes from a
// keyring only.
func (r *MySQLRouter) prepare(ctx context.Context, dir, keyring string, o RouterOptions) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	plugins, err := routerPlugins(r.path)
	if err != nil {
		return err
	}
	conf, err := os.OpenFile(filepath.Join(dir, "router.conf"), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = conf.Close() }()
	if err := template.Must(template.New("").Parse(routerConf)).Execute(conf, map[string]any{
		"Dir": dir, "Plugins": plugins, "Port": r.port, "Root": os.Geteuid() == 0, "Cluster": o.Cluster, "User": o.User}); err != nil {
		return err
	}
	members := make([]string, len(o.Members))
	for i, m := range o.Members {
		members[i] = "mysql://" + m
	}
	state, err := json.Marshal(map[string]any{"version": "1.0.0",
		"metadata-cache": map[string]any{"group-replication-id": o.Group, "cluster-metadata-servers": members}})
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "state.json"), state, 0o600); err != nil {
		return err
	}
	key, secrets := "--master-key-file="+filepath.Join(dir, "master.key"), filepath.Join(dir, "keyring")
	for _, args := range [][]string{{"init", key, secrets}, {"set", key, secrets, o.User, "password", o.User}} {
		if says, err := exec.CommandContext(ctx, keyring, args...).CombinedOutput(); err != nil {
			return fmt.Errorf("testservers: mysqlrouter_keyring %s: %w: %s", args[0], err, says)
		}
	}
	return nil
}

// routerPlugins is the folder of Router's parts: beside what .tools/sid.sh has unpacked, or where Debian installs it.
func routerPlugins(program string) (string, error) {
	for _, dir := range []string{filepath.Join(filepath.Dir(filepath.Dir(program)), "root", "usr", "lib", "mysqlrouter", "plugin"), "/usr/lib/mysqlrouter/plugin"} {
		if _, err := os.Stat(dir); err == nil {
			return filepath.Abs(dir)
		}
	}
	return "", fmt.Errorf("%w: the plugins of MySQL Router", ErrAbsent)
}

// Start starts a killed Router again, on the same port.
func (r *MySQLRouter) Start() error { return r.launch() }

// Addr is the host:port that leads to the primary.
func (r *MySQLRouter) Addr() string { return "127.0.0.1:" + strconv.Itoa(r.port) }

// LastWords is the end of its log.
func (r *MySQLRouter) LastWords() string { return strings.TrimSpace(r.lastWords()) }
