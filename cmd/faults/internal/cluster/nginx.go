package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"

	"mall/cmd/faults/internal/proxy"
	"mall/modules/platform/testservers"
)

// startNginx runs nginx with the project's own configuration, its addresses and folders replaced, and one more door for
// each instance: there nginx takes that instance as long as it answers, and the others as its backup.
func (c *Cluster) startNginx(ctx context.Context, o Options) error {
	path, err := lookUp("nginx", "/usr/sbin/nginx", "/usr/local/sbin/nginx")
	if err != nil {
		return err
	}
	text, err := os.ReadFile(o.NginxConf)
	if err != nil {
		return err
	}
	doors := make([]string, o.Instances+1) // the last one is the balancer's
	for i := range doors {
		if doors[i], _, err = freeAddrs(ctx); err != nil {
			return err
		}
	}
	dir := filepath.Join(o.Dir, "nginx")
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // nginx started by root works as nobody, and needs its folders
		return err
	}
	conf, err := nginxConf(string(text), dir, c.Instances, doors)
	if err != nil {
		return err
	}
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		return err
	}
	c.Nginx = &Program{Name: "nginx", Addr: doors[o.Instances], path: path, args: []string{"-p", dir, "-c", file, "-g", "daemon off;"},
		ready: "/healthz", log: filepath.Join(o.Logs, "nginx.log"), stop: syscall.SIGTERM}
	c.onClose(c.Nginx.Kill)
	if err := c.Nginx.Start(ctx); err != nil {
		return err
	}
	for _, door := range doors {
		p, err := proxy.Plain(ctx, door)
		if err != nil {
			return err
		}
		c.onClose(p.Close)
		c.Homes = append(c.Homes, p)
	}
	c.Front, c.Homes = c.Homes[o.Instances], c.Homes[:o.Instances]
	return nil
}

var (
	upstreamBlock = regexp.MustCompile(`(?s)\n    upstream (\w+) \{.*?\n    \}\n`)
	serverBlock   = regexp.MustCompile(`(?s)\n    server \{.*?\n    \}\n`)
	upstreamLines = regexp.MustCompile(`(?m)(^ *server mall-\d+:8080([^;]*);\n)+`)
)

// nginxConf makes the private configuration out of the project's: a door for each address of doors, with upstreams of
// its own.
func nginxConf(text, dir string, instances []*Program, doors []string) (string, error) {
	upstreams, server := upstreamBlock.FindAllStringSubmatch(text, -1), serverBlock.FindString(text)
	if len(upstreams) == 0 || server == "" || !strings.Contains(server, "listen 8000;") {
		return "", errors.New("cluster: nginx.conf has not the shape that is looked for: upstream NAME { server mall-1:8080 …; } and server { listen 8000; … }")
	}
	var blocks strings.Builder
	for door, addr := range doors {
		sv := strings.Replace(server, "listen 8000;", "listen "+addr+";\n        add_header X-Upstream $upstream_addr always; # which instance it was", 1)
		for _, u := range upstreams {
			up, name := u[0], u[1]
			own := fmt.Sprintf("%s%d", name, door)
			options := upstreamLines.FindStringSubmatch(up)
			if options == nil {
				return "", fmt.Errorf("cluster: nginx.conf: upstream %s has no server mall-1:8080", name)
			}
			up = upstreamLines.ReplaceAllLiteralString(up, peers(instances, door, options[2]))
			up = strings.NewReplacer("upstream "+name+" {", "upstream "+own+" {", "zone "+name+" ", "zone "+own+" ").Replace(up)
			sv = strings.ReplaceAll(sv, "http://"+name+";", "http://"+own+";")
			blocks.WriteString(up)
		}
		blocks.WriteString(sv)
	}
	for _, u := range upstreams {
		text = strings.Replace(text, u[0], "\n", 1)
	}
	text = strings.Replace(text, server, blocks.String(), 1)
	return strings.NewReplacer("/tmp/", dir+"/", "worker_processes auto", "worker_processes 1", "worker_rlimit_nofile 65536;", "",
		"worker_connections 32768", "worker_connections 4096").Replace(text), nil
}

// peers are the instances behind a door: behind an instance's own, that one first and the others as backup.
func peers(instances []*Program, door int, options string) string {
	var lines strings.Builder
	for n, i := range instances {
		backup := ""
		if door < len(instances) && door != n {
			backup = " backup"
		}
		fmt.Fprintf(&lines, "        server %s%s%s;\n", i.Addr, options, backup)
	}
	return lines.String()
}

func lookUp(names ...string) (string, error) {
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%w: %s", testservers.ErrAbsent, names[0])
}
