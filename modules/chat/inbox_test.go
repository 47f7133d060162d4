package chat_test

import (
	"encoding/base64"
	"encoding/binary"
	"math"
	"net/url"
	"testing"
	"time"

	"mall/modules/platform/id"
)

// What anybody may put into a list's address is answered, or refused as their mistake; never as ours.
func TestForgedPlacesInAListAreRefused(t *testing.T) {
	onEach(t, func(t *testing.T, m *mall) {
		m.openRoom(t, "buyer")
		token := func(micro int64) string {
			x := id.New()
			return base64.RawURLEncoding.EncodeToString(append(binary.BigEndian.AppendUint64(nil, uint64(micro)), x[:]...))
		}
		year := func(y int) int64 { return time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro() }
		for _, c := range []struct {
			name, value string
			want        int
		}{
			{"cursor", token(year(2026)), 200}, {"cursor", token(year(1000)), 200}, {"cursor", token(year(10000) - 1), 200},
			{"cursor", token(year(1000) - 1), 400}, {"cursor", token(year(10000)), 400}, {"cursor", token(year(0)), 400},
			{"cursor", token(math.MinInt64), 400}, {"cursor", token(math.MaxInt64), 400}, {"cursor", "x", 400}, {"cursor", "\x00", 400},
			{"updated_after", "2026-01-01T00:00:00Z", 200}, {"updated_after", "1000-01-01T00:00:00Z", 200}, {"updated_after", "9999-12-31T23:59:59.999999Z", 200},
			{"updated_after", "0000-01-01T00:00:00Z", 400}, {"updated_after", "0000-01-01T00:00:00+23:59", 400}, {"updated_after", "0001-01-01T00:00:00Z", 400},
			{"updated_after", "9999-12-31T23:59:59-23:59", 400}, {"updated_after", "10000-01-01T00:00:00Z", 400}, {"updated_after", "yesterday", 400},
		} {
			for _, order := range []string{"recent", "waiting"} {
				status, text := m.call(t, 0, "buyer", "GET", "/chat/rooms?order="+order+"&"+c.name+"="+url.QueryEscape(c.value), nil)
				if status != c.want {
					t.Errorf("%s=%q, %s: %d %s, want %d", c.name, c.value, order, status, text, c.want)
				}
			}
		}
	})
}

// Numbers of messages that no room has are refused on the socket too.
func TestASeqBelowNothingIsRefused(t *testing.T) {
	m := single(t)
	r := m.openRoom(t, "buyer")
	c := m.connect(t, 0, "buyer")
	for _, seq := range []int64{-1, math.MinInt64, 1, math.MaxInt64} {
		c.say(map[string]any{"type": "read", "id": "r", "room_id": r.ID, "seq": seq})
		if got := c.skipTo("error"); got.Code != "bad_request" {
			t.Errorf("read %d: %+v", seq, got)
		}
	}
}
