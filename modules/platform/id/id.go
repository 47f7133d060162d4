// Package id gives the ids by which the outside knows things: UUIDv7, which sort by time of making.
package id

import (
	"bytes"
	"crypto/sha256"
	"database/sql/driver"
	"encoding/hex"
	"fmt"

	"github.com/google/uuid"
)

// ID is a UUID. In databases it is its 16 bytes, everywhere else the usual 36 characters.
type ID [16]byte

// Nil is the id of nothing.
var Nil ID

// New makes an id; ids made later sort later (to the millisecond).
func New() ID {
	u, err := uuid.NewV7()
	if err != nil { // only when the system has no randomness: nothing sensible can go on
		panic(fmt.Sprintf("id: no randomness: %v", err))
	}
	return ID(u)
}

// Derived makes the same id from the same text every time (a UUIDv8 of its SHA-256), for things that have
// a name before they have an id, such as the notice about one outbox row.
func Derived(text string) ID {
	sum := sha256.Sum256([]byte(text))
	var x ID
	copy(x[:], sum[:16])
	x[6] = x[6]&0x0f | 0x80
	x[8] = x[8]&0x3f | 0x80
	return x
}

// Parse reads the 36-character form and nothing else.
func Parse(s string) (ID, error) {
	if len(s) != 36 {
		return Nil, fmt.Errorf("id: want 36 characters, got %d", len(s))
	}
	u, err := uuid.Parse(s)
	if err != nil {
		return Nil, fmt.Errorf("id: %w", err)
	}
	return ID(u), nil
}

// MustParse is Parse for ids written in the source.
func MustParse(s string) ID {
	x, err := Parse(s)
	if err != nil {
		panic(err)
	}
	return x
}

// String is the 36-character form.
func (x ID) String() string { return uuid.UUID(x).String() }

// IsZero says whether it is the id of nothing.
func (x ID) IsZero() bool { return x == Nil }

// Timed says whether the id sorts by its time of making, as those of New do (a UUIDv7).
func (x ID) Timed() bool { return x[6]>>4 == 7 && x[8]>>6 == 0b10 }

// Compare orders ids by their bytes: by time of making.
func (x ID) Compare(y ID) int { return bytes.Compare(x[:], y[:]) }

// AppendText appends the 36-character form.
func (x ID) AppendText(b []byte) ([]byte, error) {
	var text [36]byte
	hex.Encode(text[:8], x[:4])
	text[8] = '-'
	hex.Encode(text[9:13], x[4:6])
	text[13] = '-'
	hex.Encode(text[14:18], x[6:8])
	text[18] = '-'
	hex.Encode(text[19:23], x[8:10])
	text[23] = '-'
	hex.Encode(text[24:], x[10:])
	return append(b, text[:]...), nil
}

// MarshalText is the 36-character form.
func (x ID) MarshalText() ([]byte, error) { return x.AppendText(make([]byte, 0, 36)) }

// UnmarshalText reads the 36-character form.
func (x *ID) UnmarshalText(b []byte) error {
	v, err := Parse(string(b))
	if err == nil {
		*x = v
	}
	return err
}

// Value gives the database the 16 bytes; the id of nothing is NULL.
func (x ID) Value() (driver.Value, error) {
	if x == Nil {
		return nil, nil //nolint:nilnil // NULL is what database/sql means by it
	}
	return x[:], nil
}

// Scan reads what Value wrote.
func (x *ID) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*x = Nil
	case []byte:
		if len(v) != 16 {
			return fmt.Errorf("id: want 16 bytes from the database, got %d", len(v))
		}
		copy(x[:], v)
	default:
		return fmt.Errorf("id: cannot read %T from the database", src)
	}
	return nil
}
