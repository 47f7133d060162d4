package modules_test

import (
	"strings"
	"testing"
	"testing/fstest"
)

// goodHouse breaks no rule; each proof below adds the one file that does.
var goodHouse = map[string]string{
	"go.mod":                               "module mall\n\nrequire (\n\tgorm.io/gorm v1.31.2\n\tgithub.com/jinzhu/now v1.1.5 // indirect\n)\n",
	".tools/go.mod":                        "tool (\n\tgotest.tools/gotestsum\n)\n\nrequire (\n\tgotest.tools/gotestsum v1.13.0 // indirect\n)\n",
	"web/package.json":                     "{\n  \"dependencies\": {\n    \"@a/axe\": \"4.13.0\",\n    \"vite\": \"8.3.8\"\n  }\n}\n",
	".tools/node/package.json":             "{\n  \"dependencies\": {\n    \"npm\": \"11.21.2\"\n  }\n}\n",
	"docs/dependencies.md":                 "| npm | 11.21.2 | |\n| gorm.io/gorm | 1.31.2 | rows |\n| gotest.tools/gotestsum | 1.13.0 | |\n| vite, @a/axe | 8.3.8, 4.13.0 | |\n",
	"Makefile":                             "",
	".gitignore":                           "",
	"cmd/mall/main.go":                     `package main; import ("mall/modules/mall"; "mall/modules/chat"); var _ = mall.X; var _ = chat.X`,
	"cmd/crowd/main.go":                    `package main; import _ "mall/modules/member/memberseed"`,
	"modules/chat/login_test.go":           `package chat_test; import _ "mall/modules/member/memberseed"`,
	"cmd/loadtest/main.go":                 `package main; import "github.com/gorilla/websocket"; var _ = websocket.X`,
	"web/web.go":                           `package web`,
	"modules/mall/http.go":                 `package mall; import ("mall/modules/chat"; "mall/web"; "github.com/labstack/echo/v4"); var _ = chat.X; var _ = web.X; var _ = echo.X`,
	"modules/chat/mall_test.go":            `package chat_test; import "mall/modules/mall"; var _ = mall.X`,
	"modules/chat/chat.go":                 `package chat; import ("mall/modules/order"; "mall/modules/chat/internal/store"); var _ = order.X; var _ = store.X`,
	"modules/chat/http.go":                 `package chat; import "github.com/labstack/echo/v4"; var _ = echo.X`,
	"modules/chat/internal/socket/pump.go": `package socket; import "github.com/gorilla/websocket"; var _ = websocket.X`,
	"modules/chat/internal/store/rooms.go": `package store
import ("gorm.io/gorm"; "mall/modules/platform/db")
type room struct{}
func (room) TableName() string { return "chat_rooms" }
const newest = "SELECT seq FROM chat_messages WHERE room_id = ?"
const notice = "order_paid"
var _ = gorm.X; var _ = db.X`,
	"modules/order/order.go":                  `package order; import "mall/modules/product"; var _ = product.X`,
	"modules/product/product.go":              `package product; import "mall/modules/platform/db"; var _ = db.X`,
	"modules/platform/db/db.go":               `package db`,
	"modules/product/testdata/broken.go":      `this is not Go`,
	"migrations/mysql/0040_chat_rooms.sql":    "-- +goose Up\nCREATE TABLE chat_rooms (id BINARY(16) COMMENT 'from member_members; once');\n-- +goose Down\nDROP TABLE chat_rooms;\n",
	"migrations/sqlite/0040_chat_rooms.sql":   "-- +goose Up\nCREATE TABLE chat_rooms (id BLOB);\nCREATE INDEX chat_rooms_id ON chat_rooms (id);\n-- +goose Down\nDROP TABLE chat_rooms;\n",
	"migrations/migrations.go":                `package migrations; import "github.com/pressly/goose/v3"; var _ = goose.X`,
	"modules/platform/testservers/servers.go": `package testservers; import "mall/migrations"; var _ = migrations.X`,
}

const (
	emptyMigration = "-- +goose Up\n-- +goose Down\n"
	twoStatements  = "-- +goose Up\nCREATE TABLE chat_b (x INT);\nCREATE TABLE chat_c (x INT);\n-- +goose Down\nDROP TABLE chat_b;\n"
	foreignKey     = "-- +goose Up\nCREATE TABLE chat_b (x INT, FOREIGN KEY (x) REFERENCES member_members (id));\n-- +goose Down\nDROP TABLE chat_b;\n"
	otherPrefix    = "-- +goose Up\nALTER TABLE order_orders ADD x INT;\n-- +goose Down\nALTER TABLE order_orders DROP x;\n"
	plain          = "-- +goose Up\nCREATE TABLE chat_b (x INT);\n-- +goose Down\nDROP TABLE chat_b;\n"
)

func TestAGoodHouseBreaksNoRule(t *testing.T) {
	for _, r := range rules {
		for _, b := range r.check(houseWith(t, "", "")) {
			t.Errorf("%s: %s", r.name, b)
		}
	}
}

func TestEachRuleCanFail(t *testing.T) {
	proofs := []struct {
		rule, name, path, source string
		want                     string // part of the message
	}{
		{"arrows run down only", "a lower module asks a higher one", "modules/order/hooks.go", `package order; import _ "mall/modules/chat"`, "order may not import mall/modules/chat"},
		{"arrows run down only", "neighbours on one floor", "modules/member/shops.go", `package member; import _ "mall/modules/product"`, "member may not import mall/modules/product"},
		{"arrows run down only", "a module asks the composition", "modules/chat/house.go", `package chat; import _ "mall/modules/mall"`, "chat may not import mall/modules/mall"},
		{"arrows run down only", "the ground floor asks a module", "modules/platform/config/c.go", `package config; import _ "mall/modules/member"`, "platform may not import mall/modules/member"},
		{"arrows run down only", "a test reaches up", "modules/product/stock_test.go", `package product_test; import _ "mall/modules/order"`, "product may not import mall/modules/order"},
		{"arrows run down only", "the load test knows more than the contract", "cmd/loadtest/run.go", `package main; import _ "mall/modules/platform/id"`, "cmd/loadtest may not import"},
		{"arrows run down only", "a part nobody has placed", "cmd/extra/main.go", `package main`, "no row in mayImport"},
		{"a module is used through its face", "a package beside the face", "modules/chat/cards.go", `package chat; import _ "mall/modules/order/status"`, "use the package modules/order"},
		{"a module is used through its face", "the shipped program makes logins", "cmd/mall/login.go", `package main; import _ "mall/modules/member/memberseed"`, "use the package modules/member"},
		{"a module is used through its face", "the composition makes logins", "modules/mall/login.go", `package mall; import _ "mall/modules/member/memberseed"`, "use the package modules/member"},
		{"each library has its home", "a socket outside socket", "modules/chat/http.go", `package chat; import _ "github.com/gorilla/websocket"`, "modules/chat/internal/socket"},
		{"each library has its home", "gorm above the store", "modules/member/member.go", `package member; import _ "gorm.io/gorm"`, "internal/store"},
		{"each library has its home", "gorm in a test above the store", "modules/member/member_test.go", `package member; import _ "gorm.io/gorm/clause"`, "internal/store"},
		{"each library has its home", "echo beside http.go", "modules/chat/send.go", `package chat; import _ "github.com/labstack/echo/v4"`, "http.go"},
		{"each library has its home", "Redis in a module", "modules/chat/presence.go", `package chat; import _ "github.com/redis/go-redis/v9"`, "modules/platform/pubsub"},
		{"each library has its home", "tokens outside member", "modules/chat/auth.go", `package chat; import _ "github.com/golang-jwt/jwt/v5"`, "modules/member"},
		{"each library has its home", "a second migration runner", "cmd/mall/migrate.go", `package main; import _ "github.com/pressly/goose/v3/lock"`, "migrations/"},
		{"no init functions", "an init", "modules/order/steps.go", "package order\n\nfunc init() {}", "modules/order/steps.go:3"},
		{"package names say something", "a folder", "modules/chat/internal/utils/x.go", `package text`, `"utils"`},
		{"package names say something", "a package", "modules/chat/internal/text/x.go", `package helpers`, `"helpers"`},
		{"the top level is the customer's", "one folder more", "scripts/x.sh", "", "scripts: the top level is fixed"},
		{"migrations keep to their owner", "a name without an owner", "migrations/mysql/rooms.sql", plain, "NNNN_module_what.sql"},
		{"migrations keep to their owner", "an owner nobody knows", "migrations/mysql/0041_cart_b.sql", plain, `"cart" owns no tables`},
		{"migrations keep to their owner", "a number of another's", "migrations/mysql/0012_chat_b.sql", plain, "0040 to 0059"},
		{"migrations keep to their owner", "nothing inside", "migrations/mysql/0041_chat_b.sql", emptyMigration, "goose Down"},
		{"migrations keep to their owner", "two statements on MySQL", "migrations/mysql/0041_chat_b.sql", twoStatements, "2 statements"},
		{"migrations keep to their owner", "a foreign key to another module", "migrations/sqlite/0041_chat_b.sql", foreignKey, "member_members is not chat's"},
		{"migrations keep to their owner", "another module's table", "migrations/mysql/0041_chat_b.sql", otherPrefix, "order_orders is not chat's"},
		{"migrations exist for both databases", "only MySQL", "migrations/mysql/0041_chat_b.sql", plain, "add migrations/sqlite/0041_chat_b.sql"},
		{"migrations exist for both databases", "only SQLite", "migrations/sqlite/0041_chat_b.sql", plain, "add migrations/mysql/0041_chat_b.sql"},
		{"queries keep to their module's tables", "a join across modules", "modules/chat/internal/store/inbox.go", "package store\nconst q = `SELECT m.name FROM chat_rooms r JOIN member_members m ON m.id = r.buyer_id`", "table member_members is module member's"},
		{"queries keep to their module's tables", "a row of another's table", "modules/chat/internal/store/inbox.go", `package store; type o struct{}; func (o) TableName() string { return "order_orders" }`, "order_orders"},
		{"queries keep to their module's tables", "gorm told another's table", "modules/order/internal/store/x.go", `package store; func f(d db) { d.Table("product_products") }`, "product_products"},
		{"dependencies are written down", "a Go module the page forgot", "docs/dependencies.md", "| vite, @a/axe | 8.3.8, 4.13.0 |", "gorm.io/gorm with version 1.31.2"},
		{"dependencies are written down", "a package that moved on", "web/package.json", "{\n    \"vite\": \"8.4.0\"\n}", "vite with version 8.4.0"},
		{"dependencies are written down", "a Node.js that moved on", ".tools/node/package.json", "{\n    \"npm\": \"11.22.0\"\n}", "npm with version 11.22.0"},
		{"dependencies are written down", "a module that went", "go.mod", "module mall", "does not depend on gorm.io/gorm"},
		{"pages lead somewhere", "a page that went", "docs/a.md", "See [the map](../modules/README.md).", "there is no modules/README.md"},
		{"pages lead somewhere", "a heading that went", "docs/a.md", "# One\nSee [two](#two), [one](#one).", "(#two) leads nowhere"},
		{"pages lead somewhere", "a file that went", "README.md", "In `modules/chat/pump.go`, not in `modules/chat/chat.go`.", "there is no modules/chat/pump.go"},
		{"dependencies are written down", "a tool that moved on", ".tools/go.mod", "tool (\n\tx.io/y/cmd/y\n)\nrequire (\n\tx.io/y v1.2.3 // indirect\n)\n", "x.io/y with version 1.2.3"},
	}
	proven := map[string]bool{}
	for _, p := range proofs {
		proven[p.rule] = true
		t.Run(p.rule+"/"+p.name, func(t *testing.T) {
			breaches := strings.Join(ruleNamed(t, p.rule).check(houseWith(t, p.path, p.source)), "\n")
			if !strings.Contains(breaches, p.want) {
				t.Errorf("breaches: %q, want one that says %q", breaches, p.want)
			}
		})
	}
	for _, r := range rules {
		if !proven[r.name] {
			t.Errorf("no proof shows that the rule %q can fail", r.name)
		}
	}
}

// houseWith is the good house with one more file.
func houseWith(t *testing.T, path, source string) house {
	t.Helper()
	tree := fstest.MapFS{}
	for p, s := range goodHouse {
		tree[p] = &fstest.MapFile{Data: []byte(s)}
	}
	if path != "" {
		tree[path] = &fstest.MapFile{Data: []byte(source)}
	}
	return read(t, tree)
}

func ruleNamed(t *testing.T, name string) rule {
	t.Helper()
	for _, r := range rules {
		if r.name == name {
			return r
		}
	}
	t.Fatalf("no rule is named %q", name)
	return rule{}
}
