package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"

	"mall/cmd/mall/internal/demo"
	"mall/modules/mall"
	"mall/modules/platform/telemetry"
)

// serve runs a mall until ctx ends or a part of it does.
func serve(ctx context.Context, s mall.Settings, stdout, stderr io.Writer) (err error) {
	log := telemetry.NewLogger(s.Log, stderr)
	m, err := mall.New(ctx, s, mall.Options{Log: log, Version: version, HashCommand: ownHashes(), Pictures: demo.Pictures{}})
	if errors.Is(err, mall.ErrToldToEnd) {
		return nil // in order
	}
	if err != nil {
		return err
	}
	defer beside(ctx, paceCollector)()
	defer func() { err = errors.Join(err, stop(ctx, m)) }()
	if err := openDemo(ctx, s, m, log); err != nil {
		return fmt.Errorf("demo data: %w", err)
	}
	if err := m.Start(ctx); err != nil {
		return err
	}
	greet(stdout, s, m)
	select {
	case <-ctx.Done():
	case <-m.Failed(): // close the rest in order, and say why
	}
	return nil
}

// openDemo lets the demo's people in, or keeps them out of a mall that is none.
func openDemo(ctx context.Context, s mall.Settings, m *mall.Mall, log *slog.Logger) error {
	if s.IsDemo() {
		return demo.Open(ctx, m)
	}
	return demo.Lock(ctx, m, log)
}

// stop closes the mall, in the time that there is for it.
func stop(ctx context.Context, m *mall.Mall) error {
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), mall.CloseLimit)
	defer cancel()
	return m.Stop(closing)
}

// beside runs something until end is called, which waits for its end.
func beside(ctx context.Context, run func(ctx context.Context)) (end func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	running.Go(func() { run(ctx) })
	return func() { cancel(); running.Wait() }
}

// ownHashes is how to start this program as one that hashes passwords; none where it cannot be found.
func ownHashes() []string {
	own, err := os.Executable()
	if err != nil {
		return nil
	}
	return []string{own, hashCommand}
}

// greet tells whoever started the mall where to look.
func greet(w io.Writer, s mall.Settings, m *mall.Mall) {
	var b strings.Builder
	base := strings.TrimSuffix(s.HTTP.PublicURL, "/")
	if base == "http://"+s.HTTP.Addr {
		base = "http://" + m.Addr()
	}
	fmt.Fprintf(&b, "\nThe mall is open.\n\n  buyers    %s/\n  sellers   %s/seller\n", base, base)
	fmt.Fprintf(&b, "  API       %s/openapi.json  %s/asyncapi.json\n", base, base)
	fmt.Fprintf(&b, "  status    http://%s/statusz  /metrics\n", m.InternalAddr())
	if s.Embedded() {
		fmt.Fprintf(&b, "\nEmbedded mode: one process, not for production. Its data is kept in %s.\n", s.Data)
	}
	if s.IsDemo() {
		b.WriteString(demo.Logins)
	}
	if m.Mailbox != nil {
		fmt.Fprintf(&b, "  letters   %s/mailbox\n", base)
	}
	_, _ = fmt.Fprintln(w, b.String())
}
