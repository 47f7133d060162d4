// Package modules_test holds the walls that the compiler cannot: which part may import which, where each library
// is at home, whose tables are whose. The tables below are the rules; architecture_proof_test.go shows that each
// of them can fail.
package modules_test

import (
	"os"
	"testing"
)

// mayImport lists, for each part of the tree, the parts it may import. Arrows run down only:
// cmd > mall > records > chat > order > product, member > platform. The composition is for programs alone.
var mayImport = map[string][]string{
	"cmd/mall":       {"mall", "chat", "order", "product", "member", "platform", "migrations"},
	"cmd/apigen":     {"platform"},
	"cmd/crowd":      {"mall", "chat", "member", "platform", "migrations"}, // fills test malls
	"cmd/loadtest":   {},                                                   // a client of the public contract, so it knows nothing but the contract
	"cmd/faults":     {"platform", "configs"},                              // the same, with testservers to break
	"cmd/attacks":    {"platform", "configs"},                              // the same, with members and thieves
	"cmd/stage":      {"platform"},                                         // starts servers and programs for cmd/loadtest
	"mall":           {"records", "chat", "order", "product", "member", "platform", "migrations", "configs", "web"},
	"records":        {"chat", "order", "product", "member", "platform"},
	"chat":           {"order", "product", "member", "platform"},
	"order":          {"product", "member", "platform"},
	"product":        {"platform"},
	"member":         {"platform"},
	"platform":       {"migrations", "configs"}, // testservers migrates the databases it lends
	"migrations":     {"platform"},
	"web":            {},
	"web/e2e/stack":  {"platform"},
	"configs":        {"platform"},
	"modules (test)": {},
}

// testsMayImport is what the tests of every part may import besides: they run the mall as it is composed.
var testsMayImport = []string{"configs", "platform", "mall"}

// besideFaces are packages of modules that are not shipped: some programs, and tests, may import them beside the faces.
var besideFaces = map[string][]string{
	"modules/member/memberseed": {"cmd/crowd"},
	"modules/chat/chatseed":     {"cmd/crowd"},
}

// A home is where one library may be imported. Entries are files or folders; "*" stands for one name.
type home struct {
	library string   // the import path, or the front of it
	in      []string // for programs and their tests
	inTests []string // for tests only
	instead string   // what everyone else does
}

var homes = []home{
	{
		library: "github.com/gorilla/websocket",
		in:      []string{"modules/chat/internal/socket", "cmd/loadtest", "cmd/faults"},
		inTests: []string{"modules/chat", "cmd/mall", "cmd/attacks"},
		instead: "let modules/chat/internal/socket own the connection and hand it typed frames",
	},
	{
		library: "gorm.io/",
		in:      []string{"modules/platform/db", "modules/platform/outbox", "modules/platform/testservers", "modules/*/internal/store"},
		instead: "put the query into the module's internal/store and return rows or a fault",
	},
	{
		library: "github.com/labstack/echo/v4",
		in:      []string{"modules/*/http.go", "modules/*/internal/api", "modules/platform/httpserver"},
		inTests: []string{"modules"},
		instead: "keep HTTP in the module's http.go and pass it plain values",
	},
	{
		library: "github.com/redis/go-redis/v9",
		in:      []string{"modules/platform/pubsub", "modules/platform/testservers", "modules/chat/internal/limit", "modules/chat/internal/presence", "modules/chat/internal/sockets"},
		inTests: []string{"modules/chat", "cmd/mall", "cmd/attacks"},
		instead: "use modules/platform/pubsub; what is counted in Redis gets a package of its own, as modules/chat/internal/limit",
	},
	{
		library: "github.com/alicebob/miniredis/v2",
		in:      []string{"modules/platform/pubsub", "modules/platform/testservers"},
		instead: "use modules/platform/pubsub, which chooses between embedded and real Redis by configuration",
	},
	{
		library: "github.com/go-sql-driver/mysql",
		in:      []string{"modules/platform/db", "modules/platform/testservers", "cmd/faults/internal/group"}, // which talks to each server of a group by itself
		inTests: []string{"modules/*/internal"},                                                               // a data source that points at a broken link
		instead: "ask modules/platform/db, which turns driver errors into faults (db.Fault, db.IsDuplicate)",
	},
	{
		library: "modernc.org/sqlite",
		in:      []string{"modules/platform/db", "modules/platform/testservers"},
		instead: "open databases with modules/platform/db",
	},
	{
		library: "github.com/pressly/goose/v3",
		in:      []string{"migrations"},
		instead: "add a numbered file to migrations/; the runner there is the only one",
	},
	{
		library: "github.com/knadh/koanf",
		in:      []string{"modules/platform/config"},
		instead: "declare a typed Config in your package; modules/mall fills it through modules/platform/config",
	},
	{
		library: "github.com/golang-jwt/jwt/v5",
		in:      []string{"modules/member"},
		instead: "ask modules/member to check a token; handlers read identity.From(ctx)",
	},
	{
		library: "github.com/wneessen/go-mail",
		in:      []string{"modules/platform/mail"},
		instead: "hand a mail.Letter to a mail.Sender",
	},
	{
		library: "github.com/emersion/",
		inTests: []string{"modules/platform/mail"},
		instead: "send letters with modules/platform/mail; the server is for its tests",
	},
	{
		library: "golang.org/x/crypto/argon2",
		in:      []string{"modules/member"},
		instead: "passwords are the member module's alone",
	},
	{
		library: "github.com/go-webauthn/webauthn",
		in:      []string{"modules/member/internal/factor"},
		instead: "second factors are the member module's alone; ask Members.SteppedUp whether somebody has proved who they are",
	},
	{
		library: "github.com/pquerna/otp",
		in:      []string{"modules/member/internal/factor"},
		inTests: []string{"modules/chat", "cmd/mall"}, // somebody's phone
		instead: "second factors are the member module's alone",
	},
	{
		library: "github.com/getkin/kin-openapi",
		in:      []string{"modules/platform/apidoc", "modules/platform/httpserver"},
		inTests: []string{"modules", "cmd/mall"},
		instead: "requests are checked against the description before handlers run; see modules/platform/httpserver",
	},
}

// owners lists each owner of tables with the migration numbers it may use; its tables carry its name as prefix.
var owners = map[string][]span{
	"platform": {{1, 9}},
	"member":   {{10, 19}, {60, 79}},
	"product":  {{20, 29}},
	"order":    {{30, 39}},
	"chat":     {{40, 59}},
	"records":  {{80, 89}},
}

type span struct{ first, last int }

// emptyNames say nothing about what is inside and keep nothing out.
var emptyNames = []string{"util", "utils", "common", "helper", "helpers", "model", "models", "misc", "shared", "base", "lib"}

// topLevel is the customer's layout, and what a run leaves behind (git-ignored). Names with a leading dot are free.
var topLevel = []string{
	"cmd", "modules", "web", "migrations", "configs", "go.mod", "go.sum", "Dockerfile", "README.md", "docs", "Makefile",
	"bin", "mall-data",
}

func TestArchitecture(t *testing.T) {
	mall := read(t, os.DirFS(".."))
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			for _, b := range r.check(mall) {
				t.Error(b)
			}
		})
	}
}
