// Command stack starts a whole mall for the browser test: private MariaDB and Redis, two instances in demo mode and,
// where nginx is installed, nginx before them with configs/nginx.conf. It prints where they are as one line of JSON
// and runs until its standard input ends, so that nothing outlives the test that started it.
//
// The test kills and starts an instance with POST control/instances/N/kill and /start, N from 1. With POST
// control/proofs/forget nobody at the mall with embedded stores has proved lately who they are.
package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"mall/modules/platform/db"
	"mall/modules/platform/testservers"
)

// addresses is what the test is told.
type addresses struct {
	Instances []string `json:"instances"`          // base URLs
	Balancer  string   `json:"balancer,omitempty"` // base URL of nginx; empty where nginx is not installed
	Embedded  string   `json:"embedded"`           // base URL of a mall with embedded stores and a mailbox
	Control   string   `json:"control"`
}

func main() {
	program := flag.String("mall", "bin/mall", "the program to start")
	nginx := flag.String("nginx", "configs/nginx.conf", "the balancer's configuration")
	logs := flag.String("logs", ".cache/e2e", "folder for the programs' logs")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *program, *nginx, *logs)
	stop()
	if err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "stack:", err)
		os.Exit(1)
	}
}

// run starts everything, tells where it is, and stops everything in reverse when ctx or standard input ends.
func run(ctx context.Context, program, nginxConf, logs string) (err error) {
	if err := os.MkdirAll(logs, 0o750); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "mall-e2e-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()

	mysql, err := testservers.StartMySQL(ctx, filepath.Join(dir, "mysql"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, mysql.Kill()) }()
	fmt.Fprintf(os.Stderr, "database: private %s\n", mysql)
	redis, err := testservers.StartRedis(ctx, filepath.Join(dir, "redis"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, redis.Kill()) }()
	dsn, err := mysql.CreateDatabase(ctx, "mall")
	if err != nil {
		return err
	}

	settings := []string{
		"MALL_DEMO=true", "MALL_ORDER__PAYMENTS=demo",
		"MALL_DB__DRIVER=mysql", "MALL_DB__DSN=" + dsn,
		"MALL_REDIS__ADDR=" + redis.Addr(),
		"MALL_MEMBER__TOKEN_SECRET=" + rand.Text() + rand.Text(),
		"MALL_HTTP__TRUSTED_PROXIES=127.0.0.1/32",
		"MALL_HTTP__LIMITS__SCALE=1000", // all the test's people have one address
		"MALL_MAIL__OFF=true",
	}
	first, err := newInstance(ctx, program, settings, filepath.Join(logs, "mall-1.log"))
	if err != nil {
		return err
	}
	second, err := newInstance(ctx, program, settings, filepath.Join(logs, "mall-2.log"))
	if err != nil {
		return err
	}
	mall := []*instance{first, second}
	defer func() { endAll(mall) }()
	if err := startAll(ctx, mall); err != nil {
		return err
	}
	said := addresses{Instances: []string{first.url, second.url}}

	served, err := os.MkdirTemp("", "mall-e2e-nginx-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(served)) }()
	balancer, err := startBalancer(ctx, nginxConf, served, mall, filepath.Join(logs, "nginx.log"))
	if err != nil {
		return err
	}
	if balancer != nil {
		defer balancer.kill()
		said.Balancer = balancer.url
	}
	home, err := newHome(ctx, program, dir, filepath.Join(logs, "mall-home.log"))
	if err != nil {
		return err
	}
	defer home.kill()
	if err := home.start(ctx); err != nil {
		return err
	}
	said.Embedded = home.url
	records, err := db.Open(ctx, db.Config{Driver: db.SQLite, Path: filepath.Join(homeData(dir), "mall.db"), LockWait: 10 * time.Second}, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, records.Close()) }()
	control := httptest.NewServer(controller(ctx, mall, records.SQL()))
	defer control.Close()
	said.Control = control.URL

	if err := json.NewEncoder(os.Stdout).Encode(said); err != nil {
		return err
	}
	return untilInputEnds(ctx)
}

// startAll starts them together, as a deployment does: they must agree on who migrates and who fills the demo.
func startAll(ctx context.Context, mall []*instance) error {
	var starting errgroup.Group
	for _, i := range mall {
		starting.Go(func() error { return i.start(ctx) })
	}
	return starting.Wait()
}

func endAll(mall []*instance) {
	for _, i := range mall {
		i.kill()
	}
}

// controller lets the test end and start instances, and make the logins in records old without waiting.
func controller(ctx context.Context, mall []*instance, records *sql.DB) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /proofs/forget", func(w http.ResponseWriter, r *http.Request) {
		if _, err := records.ExecContext(r.Context(), "UPDATE member_sessions SET stepped_up_at = NULL"); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	for n, i := range mall {
		mux.HandleFunc(fmt.Sprintf("POST /instances/%d/kill", n+1), func(http.ResponseWriter, *http.Request) { i.kill() })
		mux.HandleFunc(fmt.Sprintf("POST /instances/%d/start", n+1), func(w http.ResponseWriter, _ *http.Request) {
			if err := i.start(ctx); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
			}
		})
	}
	return mux
}

func untilInputEnds(ctx context.Context) error {
	ended := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.Discard, os.Stdin)
		ended <- err
	}()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case err := <-ended:
		return err
	}
}
