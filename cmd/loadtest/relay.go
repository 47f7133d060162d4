package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"

	"mall/cmd/loadtest/internal/meter"
	"mall/cmd/loadtest/internal/people"
	"mall/cmd/loadtest/internal/relay"
	"mall/cmd/loadtest/internal/workload"
)

// relayCommand makes this program the relay; it is for startRelay.
const relayCommand = "serve-relay"

// serveRelay says where it is and serves until its input ends, which it does with the program that started it.
func serveRelay(ctx context.Context) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	if _, err := fmt.Println("http://" + l.Addr().String()); err != nil {
		return err
	}
	server := &http.Server{Handler: relay.New(), ReadHeaderTimeout: 10 * time.Second}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		_ = server.Close()
	}()
	if err := server.Serve(l); err != http.ErrServerClosed {
		return err
	}
	return nil
}

// startRelay runs the relay as a process of its own, so that its cost can be told from the simulator's.
func startRelay(ctx context.Context) (t *workload.Target, stop func(), err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	c := exec.CommandContext(ctx, self, relayCommand)
	c.Stderr = os.Stderr
	in, err := c.StdinPipe()
	if err != nil {
		return nil, nil, err
	}
	out, err := c.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	if err := c.Start(); err != nil {
		return nil, nil, err
	}
	stop = func() {
		_ = in.Close()
		_ = c.Wait()
	}
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		stop()
		return nil, nil, fmt.Errorf("the relay did not start: %w", err)
	}
	return &workload.Target{Name: "relay", Bases: []string{strings.TrimSpace(address)}, Relay: true,
		Processes: []meter.Process{{Name: "server", PID: c.Process.Pid}}, Cast: people.Strangers(relayRooms)}, stop, nil
}

// relayRooms is more than any workload asks for.
const relayRooms = 10_000
