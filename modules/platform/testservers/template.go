package testservers

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// options hold for making the data and for running on it. Small, since every test binary has a server of its own,
// but as durable as production: the log is flushed at each COMMIT.
func (d distribution) options(data string) []string {
	options := []string{
		"--no-defaults",
		"--datadir=" + data,
		"--innodb-buffer-pool-size=48M",
		"--innodb-flush-log-at-trx-commit=1",
		"--skip-log-bin",
	}
	switch d.kind {
	case KindMariaDB:
		options = append(options,
			"--innodb-log-file-size=16M", "--innodb-data-file-path=ibdata1:4M:autoextend", "--innodb-autoextend-increment=1")
	case KindMySQL:
		options = append(options, "--innodb-redo-log-capacity=32M", "--innodb-log-buffer-size=4M", "--performance-schema=OFF")
	}
	if os.Geteuid() == 0 {
		options = append(options, "--user=root")
	}
	return options
}

// template gives a folder with the data of a server that has never run, made once a machine and version.
func (d distribution) template(ctx context.Context) (string, error) {
	home, err := os.UserCacheDir()
	if err != nil {
		home = os.TempDir()
	}
	sum := sha256.Sum256([]byte(d.String() + strings.Join(d.options(""), " ")))
	folder := filepath.Join(home, "mall-testservers", hex.EncodeToString(sum[:8]))
	if err := os.MkdirAll(filepath.Dir(folder), 0o700); err != nil {
		return "", err
	}
	unlock, err := lockFile(folder + ".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	if _, err := os.Stat(folder); err == nil {
		return folder, nil
	}
	return folder, d.makeTemplate(ctx, folder)
}

func (d distribution) makeTemplate(ctx context.Context, folder string) error {
	unfinished := folder + ".unfinished" // ours: the lock is held
	if err := os.RemoveAll(unfinished); err != nil {
		return err
	}
	if err := os.Mkdir(unfinished, 0o700); err != nil {
		return err
	}
	command := append([]string{d.server}, append(d.options(unfinished), "--initialize-insecure")...)
	if d.kind == KindMariaDB {
		command = append([]string{d.install}, append(d.options(unfinished),
			"--auth-root-authentication-method=normal", "--skip-test-db")...)
	}
	output, err := exec.CommandContext(ctx, command[0], command[1:]...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("testservers: %s: %w: %s", command[0], err, output)
	}
	return os.Rename(unfinished, folder)
}

// lockFile waits for the lock between the test binaries that run side by side; it ends with its holder.
func lockFile(path string) (unlock func(), err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX); err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("testservers: lock %s: %w", path, err)
	}
	return func() { _ = file.Close() }, nil
}
