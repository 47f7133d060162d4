package testservers

// SemiSync is how a server is told to hold each COMMIT until a replica has it, before anybody sees what it stores. Where
// there is no replica it is held for as long as a setting says.
type SemiSync struct {
	Options []string // of the server's start
	Setting string   // what its settings begin with: _enabled, and _timeout in milliseconds
}

// SemiSync is that of the server's kind.
func (s *MySQLServer) SemiSync() SemiSync { return s.found.kind.SemiSync() }

// SemiSync has other names on each kind, and on MySQL it is a plugin.
func (k Kind) SemiSync() SemiSync {
	options := []string{"--log-bin=held", "--server-id=1"}
	if k == KindMariaDB {
		return SemiSync{append(options, "--rpl-semi-sync-master-wait-no-slave=ON", "--rpl-semi-sync-master-wait-point=AFTER_SYNC"), "rpl_semi_sync_master"}
	}
	return SemiSync{append(options, "--plugin-load-add=semisync_source.so",
		"--loose-rpl-semi-sync-source-wait-no-replica=ON", "--loose-rpl-semi-sync-source-wait-point=AFTER_SYNC"), "rpl_semi_sync_source"}
}
