package frame

import "strconv"

// Text is what the simulated people write: Korean, as in the mall, about as long as a chat message is.
const Text = "안녕하세요, 주문한 상품은 언제쯤 출고되나요? 답변 부탁드려요."

// AppendSend appends a `send` frame. The request's id is the lane and the number, so that a refusal, which has no
// client_msg_id, finds its way too.
func AppendSend(b []byte, r Run, k Key, room, body string) []byte {
	b = append(b, `{"type":"send","id":"`...)
	b = appendID(b, k)
	b = append(b, `","room_id":"`...)
	b = append(b, room...)
	b = append(b, `","client_msg_id":"`...)
	b = r.Append(b, k)
	b = append(b, `","body":"`...)
	b = append(b, body...)
	return append(b, `"}`...)
}

func appendID(b []byte, k Key) []byte {
	b = strconv.AppendUint(b, uint64(k.Lane), 10)
	b = append(b, '.')
	return strconv.AppendUint(b, uint64(k.N), 10)
}

// ReadID reads the id that AppendSend gave a request.
func ReadID(text []byte) (lane, n uint32, ok bool) {
	var parts [2]uint64
	part, digits := 0, 0
	for _, c := range text {
		switch {
		case c == '.' && part == 0 && digits > 0:
			part, digits = 1, 0
		case c >= '0' && c <= '9' && digits < 10:
			parts[part] = parts[part]*10 + uint64(c-'0')
			digits++
		default:
			return 0, 0, false
		}
	}
	return uint32(parts[0]), uint32(parts[1]), part == 1 && digits > 0
}

// AppendMark appends a `read` or `delivered` frame.
func AppendMark(b []byte, kind, room string, seq int64) []byte {
	b = append(b, `{"type":"`...)
	b = append(b, kind...)
	b = append(b, `","room_id":"`...)
	b = append(b, room...)
	b = append(b, `","seq":`...)
	b = strconv.AppendInt(b, seq, 10)
	return append(b, '}')
}

// AppendTyping appends a `typing` frame.
func AppendTyping(b []byte, room string, on bool) []byte {
	b = append(b, `{"type":"typing","room_id":"`...)
	b = append(b, room...)
	b = append(b, `","on":`...)
	b = strconv.AppendBool(b, on)
	return append(b, '}')
}
