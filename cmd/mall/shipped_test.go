package main_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// openers are the packages that make logins or rooms without asking anybody.
var openers = []string{"mall/modules/member/memberseed", "mall/modules/chat/chatseed"}

func packagesOf(t *testing.T, program string) []string {
	t.Helper()
	text, err := exec.CommandContext(t.Context(), "go", "list", "-deps", program).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(text))
}

// The program that is shipped can open logins without passwords for nobody; the one that fills test malls can.
func TestTheShippedProgramOpensNoLogins(t *testing.T) {
	shipped, filling := packagesOf(t, "mall/cmd/mall"), packagesOf(t, "mall/cmd/crowd")
	for _, p := range openers {
		if slices.Contains(shipped, p) {
			t.Errorf("cmd/mall holds %s", p)
		}
		if !slices.Contains(filling, p) {
			t.Errorf("cmd/crowd does not hold %s: has it another name now?", p)
		}
	}
}
