package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/gorilla/websocket"
)

// events is a stream of Server-Sent Events, on a TCP connection of its own. It only listens: what the client says goes by
// REST.
type events struct {
	conn   net.Conn
	body   io.ReadCloser
	lines  *bufio.Reader
	cancel context.CancelFunc
	quiet  time.Duration // a stream cannot be asked: after so much silence and the time of an answer it is dead
	watch  *time.Timer
}

// openEvents connects; upstream is what the balancer says of where it went.
func openEvents(ctx context.Context, where, token string) (p pipe, upstream string, err error) {
	e := &events{quiet: quietFirst}
	ctx, e.cancel = context.WithCancel(ctx)
	dialer := &net.Dialer{Timeout: dialPatience}
	way := &http.Transport{ResponseHeaderTimeout: shakePatience, DisableKeepAlives: true,
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := dialer.DialContext(ctx, network, addr)
			e.conn = conn
			return conn, err
		}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+where+"/api/v1/chat/events", http.NoBody)
	if err != nil {
		e.cancel()
		return nil, "", err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Accept", "text/event-stream")
	answer, err := way.RoundTrip(request)
	if err != nil {
		e.cancel()
		return nil, "", err
	}
	if answer.StatusCode != http.StatusOK {
		defer e.cancel()
		defer func() { _ = answer.Body.Close() }()
		return nil, "", refusalOf(answer)
	}
	e.body, e.lines, e.watch = answer.Body, bufio.NewReader(answer.Body), time.AfterFunc(e.quiet+askPatience, e.cancel)
	return e, answer.Header.Get("X-Upstream"), nil
}

// refusalOf is what an answer that should have been a connection says.
func refusalOf(answer *http.Response) error {
	text, err := io.ReadAll(io.LimitReader(answer.Body, 64<<10))
	p := &Problem{}
	if err == nil {
		_ = json.Unmarshal(text, p) // what is no problem document still has its status
	}
	p.Status = answer.StatusCode
	return p
}

func (e *events) next() ([]byte, error) {
	closing := false
	for {
		line, err := e.lines.ReadString('\n')
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF // a stream has no end but the one that it names
			}
			return nil, err
		}
		e.watch.Reset(e.quiet + askPatience)
		line = strings.TrimSuffix(line, "\n")
		if name, ok := strings.CutPrefix(line, "event: "); ok {
			closing = name == "close"
		}
		if data, ok := strings.CutPrefix(line, "data: "); ok {
			if closing {
				return nil, closedAs(data)
			}
			return []byte(data), nil
		}
	}
}

// closedAs makes of a stream's last event what a socket's close frame is.
func closedAs(data string) error {
	var end struct {
		Code   int
		Reason string
	}
	if err := json.Unmarshal([]byte(data), &end); err != nil {
		return err
	}
	return &websocket.CloseError{Code: end.Code, Text: end.Reason}
}

func (e *events) shut() {
	e.cancel()
	e.watch.Stop()
	_ = e.body.Close()
}

func (e *events) beats(every time.Duration) { e.quiet = every + beatGrace }

func (e *events) leave() { e.cancel() }

func (e *events) local() string { return e.conn.LocalAddr().String() }
