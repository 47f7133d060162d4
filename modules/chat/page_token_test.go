package chat

import (
	"testing"
	"time"

	"mall/modules/platform/id"
)

// Whatever is taken for a page token is one that we write, and names a moment that both databases know.
func FuzzPageToken(f *testing.F) {
	for _, s := range []string{"", "x", encodePageToken(sampleAt, roomID), encodePageToken(time.UnixMicro(-1<<62), roomID), encodePageToken(time.Unix(0, 0), id.Nil)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		at, room, err := decodePageToken(s)
		if err != nil || s == "" {
			return
		}
		again, same, err := decodePageToken(encodePageToken(at, room))
		if err != nil || !again.Equal(at) || same != room || !datable(at) {
			t.Errorf("%q: %v %v, again %v %v, %v", s, at, room, again, same, err)
		}
	})
}
