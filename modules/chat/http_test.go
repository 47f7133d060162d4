package chat_test

import (
	"context"
	"net/http"
	"testing"
)

// A client that speaks another version of WebSocket, or none, is told which one is spoken here.
func TestARefusedHandshakeNamesItsVersion(t *testing.T) {
	m := single(t)
	for _, headers := range [][]string{
		nil,
		{"Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Version", "8", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol", "mall.chat.v1"},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, m.instances[0].url+wsPath, http.NoBody)
		check(t, err)
		for i := 0; i < len(headers); i += 2 {
			req.Header.Set(headers[i], headers[i+1])
		}
		res, err := http.DefaultTransport.RoundTrip(req)
		check(t, err)
		check(t, res.Body.Close())
		if res.StatusCode != http.StatusBadRequest || res.Header.Get("Sec-WebSocket-Version") != "13" {
			t.Errorf("%v: %d, version %q", headers, res.StatusCode, res.Header.Get("Sec-WebSocket-Version"))
		}
	}
}

// A page elsewhere that makes a browser ask for the stream with its cookie is refused; our own pages ask without an Origin.
func TestAStreamOfEventsIsForOurOwnPages(t *testing.T) {
	m := single(t)
	own := m.instances[0].url
	cookie := (&shopper{t: t, mall: m}).cookie("buyer")
	for _, c := range []struct {
		header, value string
		want          int
	}{
		{"Sec-Fetch-Site", "cross-site", 403}, {"Sec-Fetch-Site", "same-site", 403}, {"Origin", "https://evil.example", 403}, {"Origin", "null", 403},
		{"Sec-Fetch-Site", "same-origin", 200}, {"Origin", own, 200}, {"X-Nothing", "", 200},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, own+"/api/v1/chat/events", http.NoBody)
		check(t, err)
		req.Header.Set("Cookie", cookie)
		req.Header.Set(c.header, c.value)
		res, err := http.DefaultTransport.RoundTrip(req)
		check(t, err)
		cancel()
		check(t, res.Body.Close())
		if res.StatusCode != c.want {
			t.Errorf("%s: %s is answered %d, want %d", c.header, c.value, res.StatusCode, c.want)
		}
	}
}
