package people

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

// Reader reads pages one after the other over one kept connection. It does what http.Client does without the goroutines
// behind that, which would cost as much as the server's answer.
type Reader struct {
	host   string
	secure bool
	conn   net.Conn
	in     *bufio.Reader
	out    []byte
}

// NewReader makes one for a base URL.
func NewReader(base string) *Reader {
	u, err := url.Parse(base)
	if err != nil {
		return &Reader{host: base}
	}
	return &Reader{host: u.Host, secure: u.Scheme == "https"}
}

const readPatience = 30 * time.Second

// Get reads a page and throws it away. Anything but 200 is a Problem, without its text.
func (r *Reader) Get(ctx context.Context, path, token string) error {
	if err := r.open(ctx); err != nil {
		return err
	}
	r.out = append(append(append(r.out[:0], "GET /api/v1"...), path...), " HTTP/1.1\r\nHost: "...)
	r.out = append(append(append(r.out, r.host...), "\r\nAuthorization: Bearer "...), token...)
	r.out = append(r.out, "\r\n\r\n"...)
	status, err := r.exchange()
	if err != nil {
		r.Close()
		return err
	}
	if status != http.StatusOK {
		return &Problem{Status: status}
	}
	return nil
}

func (r *Reader) exchange() (status int, err error) {
	if _, err := r.conn.Write(r.out); err != nil {
		return 0, err
	}
	answer, err := http.ReadResponse(r.in, nil)
	if err != nil {
		return 0, err
	}
	defer func() { _ = answer.Body.Close() }()
	_, err = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode, err
}

func (r *Reader) open(ctx context.Context) (err error) {
	if r.conn == nil {
		if r.secure {
			r.conn, err = (&tls.Dialer{}).DialContext(ctx, "tcp", withPort(r.host, "443"))
		} else {
			r.conn, err = (&net.Dialer{}).DialContext(ctx, "tcp", withPort(r.host, "80"))
		}
		if err != nil {
			r.conn = nil
			return err
		}
		r.in = bufio.NewReaderSize(r.conn, 16<<10)
	}
	return r.conn.SetDeadline(time.Now().Add(readPatience))
}

func withPort(host, port string) string {
	if _, _, err := net.SplitHostPort(host); err == nil {
		return host
	}
	return net.JoinHostPort(host, port)
}

// Close ends the connection; the next Get makes another.
func (r *Reader) Close() {
	if r.conn != nil {
		_ = r.conn.Close()
		r.conn = nil
	}
}
