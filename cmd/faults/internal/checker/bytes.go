package checker

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
)

// Canary is a text that only a room's own messages carry.
func Canary(room string) string { return "canary-" + strings.ReplaceAll(room, "-", "") + "-" }

var (
	canary     = regexp.MustCompile("canary-([0-9a-f]{32})-")
	canarySize = len(Canary("")) + 32
)

// Bytes takes a connection's bytes as they come, however they are cut, and notes the rooms that they are of.
type Bytes struct {
	Rooms map[string]bool // whose canaries may be among them

	Foreign []string // rooms of others
	Seen    int      // canaries of all kinds: one who has seen none proves nothing
	tail    []byte
}

// Write looks at the next bytes.
func (b *Bytes) Write(p []byte) (int, error) {
	text := slices.Concat(b.tail, p)
	for _, found := range canary.FindAllSubmatch(text, -1) {
		b.Seen++
		if room := dashed(string(found[1])); !b.Rooms[room] {
			b.Foreign = append(b.Foreign, room)
		}
	}
	rest := text
	if last := canary.FindAllIndex(text, -1); last != nil {
		rest = text[last[len(last)-1][1]:] // what has been counted is not counted again
	}
	b.tail = bytes.Clone(rest[max(0, len(rest)-canarySize+1):])
	return len(p), nil
}

// ErrBroken says that bytes are not what the protocol makes of them; the end of a connection in the middle of them is another thing.
var ErrBroken = errors.New("broken framing")

// The opcodes of RFC 6455 that a server of this contract sends.
const (
	opText  = 1
	OpClose = 8
	OpPing  = 9
	OpPong  = 10
)

// ReadFrame reads one WebSocket frame of a server: whole, unmasked, its length in the shortest form, a text frame of one JSON object with a type.
func ReadFrame(r *bufio.Reader) (op byte, payload []byte, err error) {
	head := make([]byte, 2)
	if _, err := io.ReadFull(r, head); err != nil {
		return 0, nil, err
	}
	op = head[0] & 15
	size, err := frameSize(r, head[1])
	switch {
	case err != nil:
		return op, nil, err
	case head[0]&0xf0 != 0x80:
		return op, nil, fmt.Errorf("%w: the first byte of a frame is %#x", ErrBroken, head[0])
	case op != opText && op != OpClose && op != OpPing && op != OpPong:
		return op, nil, fmt.Errorf("%w: opcode %d", ErrBroken, op)
	case op >= OpClose && size > 125:
		return op, nil, fmt.Errorf("%w: a control frame of %d bytes", ErrBroken, size)
	}
	payload = make([]byte, size)
	if _, err := io.ReadFull(r, payload); err != nil {
		return op, nil, err
	}
	if op == opText {
		err = oneObject(payload)
	}
	return op, payload, err
}

// mostBytes is more than any frame of the contract.
const mostBytes = 1 << 20

func frameSize(r *bufio.Reader, second byte) (size uint64, err error) {
	size = uint64(second & 127)
	least := uint64(0)
	switch size {
	case 126:
		long := make([]byte, 2)
		_, err = io.ReadFull(r, long)
		size, least = uint64(binary.BigEndian.Uint16(long)), 126
	case 127:
		long := make([]byte, 8)
		_, err = io.ReadFull(r, long)
		size, least = binary.BigEndian.Uint64(long), 1<<16
	}
	if err == nil && (second&128 != 0 || size < least || size > mostBytes) {
		err = fmt.Errorf("%w: a frame whose length is written as %d, masked %v", ErrBroken, size, second&128 != 0)
	}
	return size, err
}

func oneObject(text []byte) error {
	var f struct{ Type string }
	if err := json.Unmarshal(text, &f); err != nil || f.Type == "" {
		return fmt.Errorf("%w: no frame of the contract: %.80q", ErrBroken, text)
	}
	return nil
}

// ReadEvent reads one event of a stream of Server-Sent Events; a comment is an event without data.
func ReadEvent(r *bufio.Reader) (name string, data []byte, err error) {
	for {
		line, err := r.ReadBytes('\n')
		if err != nil {
			return "", nil, err
		}
		line = line[:len(line)-1]
		switch {
		case len(line) == 0:
			if name == "" && data != nil {
				err = oneObject(data)
			}
			return name, data, err
		case line[0] == ':':
		case bytes.HasPrefix(line, []byte("event: ")):
			name = string(line[len("event: "):])
		case bytes.HasPrefix(line, []byte("data: ")):
			data = bytes.Clone(line[len("data: "):])
		default:
			return "", nil, fmt.Errorf("%w: a line of an event stream: %.80q", ErrBroken, line)
		}
	}
}

// JudgeBytes says what a connection's bytes show: those of other rooms, and broken framing.
func JudgeBytes(client string, b *Bytes, err error) (found []Violation) {
	times := map[string]int{}
	for _, room := range b.Foreign {
		times[room]++
	}
	for room, n := range times {
		found = append(found, Violation{Foreign, client, room, 0, fmt.Sprintf("bytes of a room that is not theirs, %d times", n)})
	}
	if errors.Is(err, ErrBroken) {
		found = append(found, Violation{Other, client, "", 0, err.Error()})
	}
	return found
}

// JudgePage looks at a page of a room's history as its bytes have come: one object, its items one after the other up to
// no more than the head, each with the room's own canary.
func JudgePage(client, room string, text []byte) (found []Violation) {
	var page struct {
		Head  int64 `json:"head"`
		Items []struct {
			Seq  int64  `json:"seq"`
			Room string `json:"room_id"`
			Body string `json:"body"`
		} `json:"items"`
	}
	if err := json.Unmarshal(text, &page); err != nil {
		return []Violation{{Other, client, room, 0, fmt.Sprintf("a page that is no JSON: %v", err)}}
	}
	for i, item := range page.Items {
		if i > 0 && item.Seq != page.Items[i-1].Seq+1 || item.Seq > page.Head {
			found = append(found, Violation{Disordered, client, room, item.Seq, "a page has it in a place that is not its own"})
		}
		for _, m := range canary.FindAllStringSubmatch(item.Body, -1) {
			if of := dashed(m[1]); of != room {
				found = append(found, Violation{Foreign, client, room, item.Seq, "a page has words of room " + of})
			}
		}
	}
	return found
}
