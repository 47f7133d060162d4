package testservers

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

// Program is an instance of the mall on ports of its own, which ends with this program however that ends.
type Program struct {
	process

	Addr     string // host:port
	Internal string // host:port of its metrics
}

// StartProgram runs `path serve` and returns when it is ready. settings are MALL_ variables besides those of its
// addresses; those of this program's own environment are not passed on.
func StartProgram(ctx context.Context, path, logPath string, settings []string) (*Program, error) {
	for attempt := 0; ; attempt++ { // another program may have taken a port that was free
		addr, err := freeAddr(ctx)
		if err != nil {
			return nil, err
		}
		internal, err := freeAddr(ctx)
		if err != nil {
			return nil, err
		}
		p := &Program{Addr: addr, Internal: internal, process: process{path: path, args: []string{"serve"}, logPath: logPath,
			env: append(ProgramEnviron(settings), "MALL_HTTP__ADDR="+addr, "MALL_HTTP__INTERNAL_ADDR="+internal)}}
		if err = p.launch(); err == nil {
			err = p.ready(ctx, p.probe)
		}
		if err == nil || attempt == 2 || ctx.Err() != nil {
			return p, err
		}
	}
}

// ProgramEnviron is this program's environment with other MALL_ variables.
func ProgramEnviron(settings []string) (environ []string) {
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "MALL_") {
			environ = append(environ, e)
		}
	}
	return append(environ, settings...)
}

func (p *Program) probe(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.Addr+"/readyz", http.NoBody)
	if err != nil {
		return err
	}
	request.Close = true // looking leaves nothing open
	answer, err := (&http.Client{Timeout: 2 * time.Second}).Do(request)
	if err != nil {
		return err
	}
	if err := answer.Body.Close(); err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("testservers: /readyz answers %s", answer.Status)
	}
	return nil
}

func freeAddr(ctx context.Context) (string, error) {
	port, err := freePort(ctx)
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), err
}
