package main_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"sync"
	"testing"
	"time"

	"mall/modules/platform/testprogram"
	"mall/modules/platform/testservers"
)

// With few files left an instance answers everybody, serves as many as it can, and stays alive for whoever looks.
func TestFewFilesAreNoReasonToHang(t *testing.T) {
	cfg, redis := testservers.MySQL(t), testservers.Redis(t)
	addr, internal := testprogram.FreeAddr(t), testprogram.FreeAddr(t)
	cmd := exec.Command("/bin/sh", "-c", `ulimit -n 256 && exec "$0" serve`, binary)
	p, _ := launchCommand(t, cmd, t.TempDir(), "MALL_DB__DRIVER=mysql", "MALL_ORDER__PAYMENTS=demo", "MALL_DB__DSN="+cfg.DSN, "MALL_REDIS__ADDR="+redis.Addr(), "MALL_DEMO=true",
		"MALL_MEMBER__TOKEN_SECRET=hG7x2pQ9vR4tY8uW1zK5mN3bC6dF0jLs", "MALL_HTTP__ADDR="+addr, "MALL_HTTP__INTERNAL_ADDR="+internal)
	p.url = "http://" + addr
	p.await(p.url+"/readyz", http.StatusOK)

	const dials = 500
	var mu sync.Mutex
	answers := map[int]int{}
	var conns []net.Conn
	crowd := make(chan struct{})
	go func() {
		defer close(crowd)
		var all sync.WaitGroup
		for range dials {
			all.Go(func() {
				conn, status := ask(addr, "/api/v1/products")
				mu.Lock()
				defer mu.Unlock()
				answers[status]++
				conns = append(conns, conn)
			})
		}
		all.Wait()
	}()
	looks := 0
	for busy := true; busy; looks++ {
		select {
		case <-crowd:
			busy = false // and one more look, while all are here
		default:
		}
		began := time.Now()
		status, text := get(t.Context(), "http://"+internal+"/healthz")
		if took := time.Since(began); status != http.StatusOK || took > 2*time.Second {
			t.Errorf("/healthz inside: %d %q after %v", status, text, took)
		}
	}
	if answers[http.StatusOK]+answers[http.StatusServiceUnavailable] != dials || answers[http.StatusOK] < 32 || answers[http.StatusServiceUnavailable] == 0 {
		t.Errorf("answers: %v, want 200 and 503 for all %d", answers, dials)
	}
	if status, text := get(t.Context(), p.url+"/healthz"); status != http.StatusOK { // the mall is full at this moment
		t.Errorf("/healthz of a full mall: %d %q", status, text)
	}
	if status, text := get(t.Context(), "http://"+internal+"/metrics"); status != http.StatusOK {
		t.Errorf("/metrics of a full mall: %d %q", status, text)
	}
	for _, conn := range conns {
		if conn != nil {
			_ = conn.Close()
		}
	}
	p.await(p.url+"/api/v1/products", http.StatusOK)
	token := p.login("buyer@demo.mall")
	if status := p.call("GET", "/api/v1/chat/rooms", token, nil, nil); status != http.StatusOK {
		t.Errorf("afterwards: %d", status)
	}
}

// ask sends a request on a connection of its own and leaves it open. Status 0: no answer.
func ask(addr, path string) (net.Conn, int) {
	conn, err := net.DialTimeout("tcp", addr, 10*time.Second)
	if err != nil {
		return nil, 0
	}
	_ = conn.SetDeadline(time.Now().Add(15 * time.Second))
	if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: mall\r\n\r\n", path); err != nil {
		return conn, 0
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return conn, 0
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode == http.StatusServiceUnavailable && res.Header.Get("Retry-After") == "" {
		return conn, -res.StatusCode
	}
	return conn, res.StatusCode
}
