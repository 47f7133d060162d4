// Package mail sends short letters in plain text.
package mail

import "context"

// Letter is one mail to one address.
type Letter struct {
	To      string // an address that has been checked
	Subject string
	Text    string // lines end in \n
}

// Sender hands letters on. An error says that the letter was not taken; it never holds the letter's text.
type Sender interface {
	Send(ctx context.Context, l Letter) error
}
