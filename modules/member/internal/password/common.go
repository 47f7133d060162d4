package password

import (
	_ "embed"
	"strings"
	"sync"

	"golang.org/x/text/unicode/norm"
)

//go:embed common.txt
var commonText string

// common is what guessers try first. It is read when it is needed first, and takes about 2 MiB then.
var common = sync.OnceValue(func() map[string]struct{} {
	list := make(map[string]struct{}, 20_000)
	for line := range strings.Lines(commonText) {
		list[norm.NFC.String(strings.TrimSuffix(line, "\n"))] = struct{}{}
	}
	return list
})

// Common says whether a password is one of the commonest, however its letters are written.
func Common(plain string) bool {
	_, is := common()[strings.ToLower(norm.NFC.String(plain))]
	return is
}

// edges is what people add to a word so that it passes for a password.
const edges = "0123456789!@#$%^&*()-_=+.,?~ "

// MadeOf says whether hardly anything but the words is in a password: fewer than 4 of its characters are neither of a
// word nor a digit or a sign beside one. Words of fewer than 3 characters are not looked for.
func MadeOf(plain string, words ...string) bool {
	rest, found := strings.ToLower(norm.NFC.String(plain)), false
	for _, w := range words {
		if w = strings.ToLower(norm.NFC.String(w)); len(w) >= 3 && strings.Contains(rest, w) {
			rest, found = strings.ReplaceAll(rest, w, " "), true
		}
	}
	left := 0
	for _, r := range rest {
		if !strings.ContainsRune(edges, r) {
			left++
		}
	}
	return found && left < 4
}
