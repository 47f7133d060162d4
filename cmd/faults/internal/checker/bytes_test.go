package checker

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
)

const (
	mine   = "01a22e6e-e033-7d89-b51c-26f344cb3277"
	theirs = "01a22e6e-e033-7d89-b51c-26f344cb3278"
)

// However bytes are cut, the canaries of other rooms are found, each once.
func TestCanariesAreFoundInBytesHoweverTheyAreCut(t *testing.T) {
	text := "{" + Canary(mine) + "} and " + Canary(theirs) + Canary(theirs) + " canary-none-"
	for size := 1; size <= len(text); size++ {
		b := &Bytes{Rooms: map[string]bool{mine: true}}
		for rest := []byte(text); len(rest) > 0; rest = rest[min(size, len(rest)):] {
			_, _ = b.Write(rest[:min(size, len(rest))])
		}
		if b.Seen != 3 || len(b.Foreign) != 2 || b.Foreign[0] != theirs {
			t.Fatalf("in pieces of %d: %d seen, foreign %v", size, b.Seen, b.Foreign)
		}
		if found := JudgeBytes("c", b, io.EOF); len(found) != 1 || found[0].Kind != Foreign {
			t.Fatal(found)
		}
	}
	good := &Bytes{Rooms: map[string]bool{mine: true}}
	_, _ = good.Write([]byte(Canary(mine)))
	if found := JudgeBytes("c", good, io.ErrUnexpectedEOF); len(found) > 0 {
		t.Errorf("a good line that was cut is blamed: %v", found)
	}
}

func TestBrokenFramesAreToldFromAnEnd(t *testing.T) {
	long := `{"type":"message","body":"` + strings.Repeat("x", 200) + `"}`
	good := string([]byte{0x81, 13}) + `{"type":"hb"}` + string([]byte{0x81, 126, 0, byte(len(long))}) + long + string([]byte{0x89, 0})
	for name, c := range map[string]struct {
		bytes  string
		broken bool
	}{
		"good":                        {good, false},
		"cut in the middle":           {good[:30], false},
		"masked":                      {string([]byte{0x81, 0x80 | 13}) + `{"type":"hb"}`, true},
		"half of another frame":       {good[20:], true},
		"a fragment":                  {string([]byte{0x01, 13}) + `{"type":"hb"}`, true},
		"an opcode that is none":      {string([]byte{0x83, 0}), true},
		"two objects in one":          {string([]byte{0x81, 26}) + `{"type":"hb"}{"type":"hb"}`, true},
		"a length that is too long":   {string([]byte{0x81, 126, 0, 13}) + `{"type":"hb"}`, true},
		"a control frame that is big": {string([]byte{0x88, 126, 0, 200}) + strings.Repeat("x", 200), true},
	} {
		r := bufio.NewReader(strings.NewReader(c.bytes))
		var err error
		for err == nil {
			_, _, err = ReadFrame(r)
		}
		if errors.Is(err, ErrBroken) != c.broken {
			t.Errorf("%s: %v", name, err)
		}
		if found := JudgeBytes("c", &Bytes{}, err); (len(found) == 1) != c.broken {
			t.Errorf("%s: %v", name, found)
		}
	}
}

func TestBrokenEventsAreFound(t *testing.T) {
	for text, broken := range map[string]bool{
		":\n\ndata: {\"type\":\"hb\"}\n\nevent: close\ndata: {\"code\":1012}\n\n": false,
		"data: {\"type\":\"hb\"}":              false, // cut
		"data: {\"type\":\"hb\"\n\n":           true,
		"dat{\"type\":\"hb\"}\n\n":             true,
		"data: {\"type\":\"hb\"}{}\n\n":        true,
		"data: {\"type\":\"hb\"}\nmore: x\n\n": true,
	} {
		r := bufio.NewReader(strings.NewReader(text))
		var err error
		for err == nil {
			_, _, err = ReadEvent(r)
		}
		if errors.Is(err, ErrBroken) != broken {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestAPageOfOtherWordsIsFound(t *testing.T) {
	item := func(seq, of string) string { return `{"seq":` + seq + `,"body":"` + Canary(of) + ` hello"}` }
	page := func(items ...string) []byte {
		return []byte(`{"epoch":"e","head":9,"items":[` + strings.Join(items, ",") + `]}`)
	}
	if found := JudgePage("c", mine, page(item("8", mine), item("9", mine))); len(found) > 0 {
		t.Error(found)
	}
	for want, text := range map[Kind][]byte{
		Foreign:    page(item("8", mine), item("9", theirs)),
		Disordered: page(item("7", mine), item("9", mine)),
		Other:      bytes.TrimSuffix(page(item("9", mine)), []byte("}")),
	} {
		if found := JudgePage("c", mine, text); len(found) != 1 || found[0].Kind != want {
			t.Errorf("%s: %v", want, found)
		}
	}
	if found := JudgePage("c", mine, page(item("10", mine))); len(found) != 1 || found[0].Kind != Disordered {
		t.Errorf("past the head: %v", found)
	}
}
