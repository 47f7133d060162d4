package proxy

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// maxFrame bounds what one frame may make the proxy remember.
const maxFrame = 64 << 20

var errFrame = errors.New("proxy: not a frame")

// ReadPacket reads one packet of MySQL's protocol with its head.
func ReadPacket(r *bufio.Reader) ([]byte, error) {
	head, err := r.Peek(4)
	if err != nil {
		return nil, err
	}
	packet := make([]byte, 4+(int(head[0])|int(head[1])<<8|int(head[2])<<16))
	_, err = io.ReadFull(r, packet)
	return packet, err
}

// comQuery marks a packet to the server that is SQL as text.
const comQuery = 3

// Says says whether a packet to the server is SQL that begins so.
func Says(packet []byte, beginning string) bool {
	return len(packet) > 5 && packet[4] == comQuery && bytes.HasPrefix(packet[5:], []byte(beginning))
}

// IsCommit says whether a packet to the server ends with a COMMIT, which may have other statements before it.
func IsCommit(packet []byte) bool {
	return len(packet) >= 5+len("COMMIT") && packet[4] == comQuery && strings.EqualFold(string(packet[len(packet)-len("COMMIT"):]), "COMMIT")
}

// EndsAnswer says whether a packet from the server is the answer to a packet's last statement, without rows: OK with no
// further result announced, or an error.
func EndsAnswer(packet []byte) bool {
	const ok, failed, moreResults = 0x00, 0xff, 0x08
	switch {
	case len(packet) < 5 || packet[4] == failed:
		return len(packet) >= 5
	case packet[4] != ok:
		return false
	}
	rest := packet[5:]
	for range 2 { // how many rows, and the last id
		if len(rest) == 0 {
			return false
		}
		rest = rest[min(lengthOfNumber(rest[0]), len(rest)):]
	}
	return len(rest) >= 2 && rest[0]&moreResults == 0
}

// lengthOfNumber is how many bytes a number takes in MySQL's protocol, by its first.
func lengthOfNumber(first byte) int {
	switch first {
	case 0xfc:
		return 3
	case 0xfd:
		return 4
	case 0xfe:
		return 9
	default:
		return 1
	}
}

// ReadRESP reads one whole value of RESP 2 or 3, with all that it contains, as the bytes it came in.
func ReadRESP(r *bufio.Reader) ([]byte, error) {
	var b bytes.Buffer
	err := readValue(r, &b, 0)
	return b.Bytes(), err
}

func readValue(r *bufio.Reader, b *bytes.Buffer, depth int) error {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return err
	}
	b.Write(line)
	if len(line) < 3 || depth > 16 {
		return errFrame
	}
	text := string(line[1 : len(line)-2])
	switch line[0] {
	case '$', '!', '=':
		n, err := strconv.Atoi(text)
		if err != nil || n > maxFrame {
			return fmt.Errorf("%w: %q", errFrame, line)
		}
		if n < 0 {
			return nil
		}
		_, err = io.CopyN(b, r, int64(n)+2)
		return err
	case '*', '~', '>', '%', '|':
		n, err := strconv.Atoi(text)
		if err != nil || n > maxFrame {
			return fmt.Errorf("%w: %q", errFrame, line)
		}
		if line[0] == '%' || line[0] == '|' {
			n *= 2
		}
		if line[0] == '|' {
			n++ // an attribute goes before the value it belongs to
		}
		for range n {
			if err := readValue(r, b, depth+1); err != nil {
				return err
			}
		}
	}
	return nil // + - : _ # , ( are one line
}

// bulks gives the texts of an array or push of bulk strings; ok is false for anything else.
func bulks(frame []byte) (texts [][]byte, ok bool) {
	line, rest, found := bytes.Cut(frame, []byte("\r\n"))
	if !found || len(line) < 2 || line[0] != '*' && line[0] != '>' {
		return nil, false
	}
	for range atoi(line[1:]) {
		line, rest, found = bytes.Cut(rest, []byte("\r\n"))
		if !found || len(line) < 2 || line[0] != '$' {
			return nil, false
		}
		n := atoi(line[1:])
		if n < 0 || len(rest) < n+2 {
			return nil, false
		}
		texts, rest = append(texts, rest[:n]), rest[n+2:]
	}
	return texts, true
}

func atoi(b []byte) int {
	n, err := strconv.Atoi(string(b))
	if err != nil {
		return -1
	}
	return n
}

func isCommand(frame []byte, names ...string) bool {
	texts, ok := bulks(frame)
	return ok && len(texts) > 0 && slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, string(texts[0])) })
}

// Published gives the channel and payload of a frame that brings a subscriber a message.
func Published(frame []byte) (channel string, payload []byte, ok bool) {
	texts, ok := bulks(frame)
	if !ok || len(texts) != 3 || string(texts[0]) != "message" {
		return "", nil, false
	}
	return string(texts[1]), texts[2], true
}
