package attacks_test

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// mailbox takes every letter that the mall sends: an SMTP relay on the loopback.
type mailbox struct {
	t    testing.TB
	addr string

	mu      sync.Mutex
	letters []letter
}

type letter struct{ to, text string }

func openMailbox(t testing.TB) *mailbox {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &mailbox{t: t, addr: listener.Addr().String()}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go b.serve(conn)
		}
	}()
	return b
}

// settings are those of a mall whose letters come here.
func (b *mailbox) settings() []string {
	return slices.Concat(known("mail.smtp_addr", b.addr), known("mail.tls", "none"), known("mail.from", "mall@attack.example"))
}

func (b *mailbox) serve(conn net.Conn) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	say := func(line string) { _, _ = io.WriteString(conn, line+"\r\n") }
	say("220 mailbox")
	to := ""
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		switch verb := strings.ToUpper(strings.TrimSpace(line)); {
		case strings.HasPrefix(verb, "RCPT TO:"):
			to = strings.Trim(strings.TrimSpace(line[8:]), "<>")
			say("250 ok")
		case verb == "DATA":
			say("354 go on")
			b.take(to, readLetter(in))
			say("250 taken")
		case verb == "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

// readLetter reads until the line with a dot.
func readLetter(in *bufio.Reader) string {
	var text strings.Builder
	for {
		line, err := in.ReadString('\n')
		if err != nil || line == ".\r\n" {
			return text.String()
		}
		text.WriteString(strings.TrimPrefix(line, "."))
	}
}

func (b *mailbox) take(to, raw string) {
	text := raw
	if m, err := mail.ReadMessage(strings.NewReader(raw)); err == nil {
		body := m.Body
		switch strings.ToLower(m.Header.Get("Content-Transfer-Encoding")) {
		case "quoted-printable":
			body = quotedprintable.NewReader(body)
		case "base64":
			body = base64.NewDecoder(base64.StdEncoding, body)
		}
		if read, err := io.ReadAll(body); err == nil {
			text = m.Header.Get("Subject") + "\n" + string(read)
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.letters = append(b.letters, letter{to, text})
}

// to are the letters to an address, the oldest first.
func (b *mailbox) to(address string) (texts []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, l := range b.letters {
		if l.to == address {
			texts = append(texts, l.text)
		}
	}
	return texts
}

// A link's token is what follows the mark or the equals sign.
var linkToken = regexp.MustCompile(`https?://\S+[=#/]([A-Za-z0-9_.~-]{20,})`)

// token is the one in the newest letter to an address that speaks of what is looked for, such as "reset".
func (b *mailbox) token(t testing.TB, address, word string) (token string) {
	t.Helper()
	until(t, fmt.Sprintf("a letter with a link (%s) to %.8s…", word, address), func() bool {
		for _, text := range b.to(address) {
			for _, m := range linkToken.FindAllStringSubmatch(text, -1) {
				if strings.Contains(m[0], word) {
					token = m[1]
				}
			}
		}
		return token != ""
	})
	return token
}
