package main_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"mall/modules/platform/testprogram"
	"mall/modules/platform/testservers"
)

// get reads a page; status 0 when nobody answers.
func get(ctx context.Context, url string) (status int, text string) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return 0, err.Error()
	}
	req.Close = true
	res, err := (&http.Client{Timeout: 5 * time.Second}).Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, err.Error()
	}
	return res.StatusCode, string(body)
}

// await asks until a page answers with the status, and gives what it says.
func (p *program) await(url string, status int) string {
	p.t.Helper()
	deadline := time.Now().Add(soon)
	for {
		got, text := get(p.t.Context(), url)
		if got == status {
			return text
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("%s answers %d %q, want %d: %s", url, got, text, status, p.log)
		}
		select {
		case err := <-p.done:
			p.t.Fatalf("the mall ended with %v: %s", err, p.log)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// mallctl runs another command of the program.
func mallctl(t *testing.T, environ []string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	out, err := command(ctx, t.TempDir(), environ, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v: %s", args, err, out)
	}
	return string(out)
}

// An instance that may not migrate is not ready before somebody else has, says what it waits for, and goes on by itself.
func TestPendingMigrationsKeepAnInstanceFromBeingReady(t *testing.T) {
	for name, down := range map[string]int{"two are pending": 2, "an empty database": -1} {
		t.Run(name, func(t *testing.T) {
			cfg, redis := testservers.EmptyMySQL(t), testservers.Redis(t)
			addr, internal := testprogram.FreeAddr(t), testprogram.FreeAddr(t)
			environ := []string{"MALL_DB__DRIVER=mysql", "MALL_ORDER__PAYMENTS=demo", "MALL_DB__DSN=" + cfg.DSN, "MALL_DB__MIGRATE=false", "MALL_REDIS__ADDR=" + redis.Addr(),
				"MALL_MEMBER__TOKEN_SECRET=hG7x2pQ9vR4tY8uW1zK5mN3bC6dF0jLs", "MALL_HTTP__ADDR=" + addr, "MALL_HTTP__INTERNAL_ADDR=" + internal}
			if down >= 0 {
				mallctl(t, environ, "migrate", "up")
			}
			for range down {
				mallctl(t, environ, "migrate", "down")
			}
			var last string
			for line := range strings.Lines(mallctl(t, environ, "migrate", "status")) {
				last = strings.Fields(line)[1]
			}
			p, _ := launch(t, t.TempDir(), environ...)
			p.url = "http://" + addr
			p.await(p.url+"/healthz", http.StatusOK)
			for _, url := range []string{p.url + "/readyz", "http://" + internal + "/readyz"} {
				if says := p.await(url, http.StatusServiceUnavailable); !strings.Contains(says, last) || !strings.Contains(says, "mall migrate up") {
					t.Errorf("%s says %q, nothing of %s", url, says, last)
				}
			}
			if says := p.await("http://"+internal+"/statusz", http.StatusOK); !strings.Contains(says, last) {
				t.Errorf("/statusz says nothing of %s: %s", last, says)
			}
			var problem struct{ Code string }
			if status := p.call("POST", "/api/v1/chat/rooms", "", map[string]string{}, &problem); status != 503 || problem.Code != "unavailable" {
				t.Errorf("a call before that: %d %q, want 503 unavailable", status, problem.Code)
			}
			mallctl(t, environ, "migrate", "up")
			p.await(p.url+"/readyz", http.StatusOK)
			p.await(p.url+"/api/v1/products", http.StatusOK)
			if err := p.end(syscall.SIGTERM); err != nil {
				t.Errorf("SIGTERM: %v: %s", err, p.log)
			}
			if log := p.log.String(); !strings.Contains(log, last) {
				t.Errorf("the log says nothing of %s: %s", last, log)
			}
		})
	}
}

// SIGTERM ends an instance that still waits in order.
func TestAnInstanceThatWaitsForMigrationsEndsInOrder(t *testing.T) {
	cfg, redis := testservers.EmptyMySQL(t), testservers.Redis(t)
	addr := testprogram.FreeAddr(t)
	p, _ := launch(t, t.TempDir(), "MALL_DB__DRIVER=mysql", "MALL_ORDER__PAYMENTS=demo", "MALL_DB__DSN="+cfg.DSN, "MALL_DB__MIGRATE=false", "MALL_REDIS__ADDR="+redis.Addr(),
		"MALL_MEMBER__TOKEN_SECRET=hG7x2pQ9vR4tY8uW1zK5mN3bC6dF0jLs", fmt.Sprint("MALL_HTTP__ADDR=", addr))
	p.await("http://"+addr+"/healthz", http.StatusOK)
	if err := p.end(syscall.SIGTERM); err != nil {
		t.Errorf("SIGTERM: %v: %s", err, p.log)
	}
}
